import { Buffer } from 'node:buffer';
import { ICMP_BURST, ICMP_PARTY_BURST, ICMP_PARTY_RATE, ICMP_RATE } from '../core/constants.ts';
import { fold } from '../core/packet-slab.ts';
import type { Party } from '../core/shares.ts';
import type { IpFamily, RefuseWith } from '../core/types.ts';
import { formatAddress } from './address.ts';
import { type HeaderChain, walkHeaders } from './extension-headers.ts';
import {
  type IpHost,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  pseudoSum,
  sendIp,
  transportChecksum,
  wordsOf,
} from './ip-output.ts';
import type { IpPayload } from './ip-payload.ts';

/** Types of ICMP (RFC 792) and ICMPv6 (RFC 4443) that the stack uses. */
const V4 = {
  EchoReply: 0,
  Unreachable: 3,
  Echo: 8,
  TimeExceeded: 11,
} as const;
const V6 = { Unreachable: 1, TooBig: 2, TimeExceeded: 3, ParameterProblem: 4, Echo: 128, EchoReply: 129 } as const;

const PROTOCOL_FRAGMENT = 44;

/** Code of “fragmentation needed and DF set” (RFC 792, RFC 1191). */
const V4_TOO_BIG = 4;
/** Code of “protocol unreachable” (RFC 1122 §3.2.2.1), and of “unrecognized next header” (RFC 4443 §3.4). */
const V4_PROTOCOL = 2;
const V6_NEXT_HEADER = 1;
/** Code of “fragment reassembly time exceeded”. */
const REASSEMBLY = 1;

const chain: HeaderChain = { protocol: 0, at: 0, nextHeaderAt: 0, fragmentAt: -1, fragmentNamedAt: -1 };

/** Bytes of the packet that an error message quotes: as many as fit into the smallest MTU (RFC 1812 §4.3.2.3, RFC 4443 §2.4 c). */
const QUOTE_V4 = 576 - 20 - 8;
const QUOTE_V6 = 1280 - 40 - 8;

/** An ICMP error about a packet that the stack sent, with what it quotes of that packet. */
export interface QuotedError {
  readonly kind: 'too-big' | 'unreachable' | 'time-exceeded';
  readonly family: IpFamily;
  /** For `too-big`: the next hop's MTU; 0 from routers older than RFC 1191. */
  readonly mtu: number;
  /** Length of the packet that was too big, to estimate the MTU when `mtu` is 0. */
  readonly quotedLength: number;
  readonly protocol: number;
  /** Remote, then local address of the quoted packet. */
  readonly addresses: Int32Array;
  readonly localPort: number;
  readonly remotePort: number;
  /** First 32 bits after the ports: TCP's sequence number. */
  readonly sequence: number;
}

/** What ICMP needs from the stack. */
export interface IcmpHost extends IpHost {
  limitReached(table: 'icmp-errors', action: 'refused', party: Party): void;
  answersEcho(family: IpFamily, localAddress: string, remoteAddress: string, bytes: number): boolean;
  /** Processes a reply to an echo request; false if there was no request. */
  echoReply(family: IpFamily, addresses: Int32Array, id: number, sequence: number, payload: Buffer): boolean;
  /** Processes an error about a packet of the stack; the transport decides whether it is plausible. */
  icmpError(error: QuotedError): void;
}

/** ICMP and ICMPv6 of a host: answers echo requests, sends errors at a limited rate, and passes received errors on. */
export class Icmp {
  readonly #host: IcmpHost;
  #tokens = ICMP_BURST;
  #filledAt: number;

  constructor(host: IcmpHost) {
    this.#host = host;
    this.#filledAt = host.now;
  }

  /** Processes a message. */
  input({ buffer, at, length, family, addresses }: IpPayload): void {
    const { counters, slab } = this.#host;
    counters.icmpIn++;
    if (length < 8) {
      counters.dropIcmpHeader++;
      return;
    }
    const pseudo = family === 6 ? pseudoSum(addresses, 6, PROTOCOL_ICMPV6, length) : 0;
    if (fold(slab.sumOf(buffer, at, length) + pseudo) !== 0xffff) {
      counters.dropIcmpChecksum++;
      return;
    }
    const type = buffer[at]!;
    if (type === (family === 4 ? V4.Echo : V6.Echo)) this.#echo(buffer, at, length, family, addresses);
    else if (type === (family === 4 ? V4.EchoReply : V6.EchoReply)) this.#reply(buffer, at, length, family, addresses);
    else this.#error(type, buffer, at, length, family);
  }

  /**
   * Reports to the sender of a packet that it was not delivered (RFC 1122 §3.2.2, RFC 4443 §2.4). Not for ICMP errors, later fragments, or
   * packets to or from a multicast address, and within a rate limit.
   */
  unreachable(
    how: Exclude<RefuseWith, 'reset'> | 'port',
    packet: Buffer,
    offset: number,
    length: number,
    party: Party,
  ): void {
    const v6 = packet[offset]! >> 4 === 6;
    const codes = v6
      ? { port: 4, prohibited: 1, 'host-unreachable': 3 }
      : { port: 3, prohibited: 13, 'host-unreachable': 1 };
    this.#report(v6 ? V6.Unreachable : V4.Unreachable, codes[how], packet, offset, length, party);
  }

  /** Reports that the fragments of a packet did not all arrive in time. */
  reassemblyTimedOut(first: Buffer, party: Party): void {
    const v6 = first[0]! >> 4 === 6;
    this.#report(v6 ? V6.TimeExceeded : V4.TimeExceeded, REASSEMBLY, first, 0, first.length, party);
  }

  /** Reports that the stack does not support the protocol of a packet (RFC 1122 §3.2.2.1, RFC 4443 §3.4, RFC 8200 §4). */
  unknownProtocol(packet: Buffer, offset: number, length: number, party: Party): void {
    if (packet[offset]! >> 4 === 4) this.#report(V4.Unreachable, V4_PROTOCOL, packet, offset, length, party);
    else if (walkHeaders(packet, offset, offset + length, chain)) {
      this.#report(V6.ParameterProblem, V6_NEXT_HEADER, packet, offset, length, party, chain.nextHeaderAt - offset);
    }
  }

  /** Sends an echo request; `message` already has identifier, sequence number and payload. */
  sendEcho(family: IpFamily, addresses: Int32Array, message: Buffer): boolean {
    message[0] = family === 4 ? V4.Echo : V6.Echo;
    return this.#send(family, addresses, message);
  }

  #reply(buffer: Buffer, at: number, length: number, family: IpFamily, addresses: Int32Array): void {
    const payload = Buffer.from(buffer.subarray(at + 8, at + length));
    const known = this.#host.echoReply(
      family,
      addresses,
      buffer.readUInt16BE(at + 4),
      buffer.readUInt16BE(at + 6),
      payload,
    );
    if (!known) this.#host.counters.dropIcmpType++;
  }

  #echo(buffer: Buffer, at: number, length: number, family: IpFamily, addresses: Int32Array): void {
    const host = this.#host;
    const words = wordsOf(family);
    const local = formatAddress(family, addresses, words);
    const remote = formatAddress(family, addresses, 0);
    if (isGroup(family, addresses, words) || !host.answersEcho(family, local, remote, length)) {
      host.counters.dropEcho++;
      return;
    }
    const reply = Buffer.from(buffer.subarray(at, at + length));
    reply[0] = family === 4 ? V4.EchoReply : V6.EchoReply;
    this.#send(family, addresses, reply);
  }

  #send(family: IpFamily, addresses: Int32Array, message: Buffer): boolean {
    const host = this.#host;
    message[2] = 0;
    message[3] = 0;
    const checksum =
      family === 4
        ? ~host.slab.sumOf(message, 0, message.length) & 0xffff
        : transportChecksum(host, addresses, 6, PROTOCOL_ICMPV6, message);
    message.writeUInt16LE(checksum, 2);
    host.counters.icmpOut++;
    return sendIp(host, family, addresses, family === 4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6, message);
  }

  #report(type: number, code: number, packet: Buffer, offset: number, length: number, party: Party, rest = 0): void {
    const host = this.#host;
    const family: IpFamily = packet[offset]! >> 4 === 6 ? 6 : 4;
    const addresses = readAddresses(packet, offset, family);
    if (!mayReportOn(packet, offset, length, family, addresses)) {
      host.counters.icmpSuppressed++;
      return;
    }
    if (!this.#takeToken(party)) {
      host.counters.icmpSuppressed++;
      host.limitReached('icmp-errors', 'refused', party);
      return;
    }
    const quote = Math.min(length, family === 4 ? QUOTE_V4 : QUOTE_V6);
    const message = Buffer.alloc(8 + quote);
    message[0] = type;
    message[1] = code;
    message.writeUInt32BE(rest, 4);
    packet.copy(message, 8, offset, offset + quote);
    this.#send(family, addresses, message);
  }

  /** One token bucket for all, and a smaller one for each owner, so that no owner can empty the common one. */
  #takeToken(party: Party): boolean {
    const now = this.#host.now;
    this.#tokens = Math.min(ICMP_BURST, this.#tokens + ((now - this.#filledAt) / 1000) * ICMP_RATE);
    this.#filledAt = now;
    if (party.owner === undefined) {
      party.icmpTokens = Infinity;
    } else {
      const filled = party.icmpTokens + ((now - party.icmpFilledAt) / 1000) * ICMP_PARTY_RATE;
      party.icmpTokens = Math.min(ICMP_PARTY_BURST, filled);
      party.icmpFilledAt = now;
    }
    if (this.#tokens < 1 || party.icmpTokens < 1) return false;
    this.#tokens -= 1;
    party.icmpTokens -= 1;
    return true;
  }

  #error(type: number, buffer: Buffer, at: number, length: number, family: IpFamily): void {
    const { counters } = this.#host;
    const kind = errorKind(type, buffer[at + 1]!, family);
    const quoted = kind && readQuoted(buffer, at + 8, at + length, family);
    if (!kind || !quoted) {
      counters.dropIcmpType++;
      return;
    }
    const mtu = kind !== 'too-big' ? 0 : family === 4 ? buffer.readUInt16BE(at + 6) : buffer.readUInt32BE(at + 4);
    this.#host.icmpError({ kind, family, mtu, ...quoted });
  }
}

function errorKind(type: number, code: number, family: IpFamily): QuotedError['kind'] | undefined {
  if (family === 4) {
    if (type === V4.Unreachable) return code === V4_TOO_BIG ? 'too-big' : 'unreachable';
    return type === V4.TimeExceeded ? 'time-exceeded' : undefined;
  }
  if (type === V6.TooBig) return 'too-big';
  if (type === V6.Unreachable) return 'unreachable';
  return type === V6.TimeExceeded ? 'time-exceeded' : undefined;
}

/** Reads what an error message quotes: a packet of the stack, so its source is the local end. */
function readQuoted(buffer: Buffer, at: number, end: number, family: IpFamily) {
  const minimum = family === 4 ? 20 : 40;
  if (end - at < minimum + 8 || buffer[at]! >> 4 !== family) return undefined;
  let header = family === 4 ? (buffer[at]! & 0x0f) << 2 : 40;
  let protocol = buffer[at + (family === 4 ? 9 : 6)]!;
  if (family === 6 && protocol === PROTOCOL_FRAGMENT && end - at >= 48) {
    if ((buffer.readUInt16BE(at + 42) & 0xfff8) !== 0) return undefined;
    protocol = buffer[at + 40]!;
    header = 48;
  }
  if (header < minimum || end - at < header + 8) return undefined;
  // A later fragment has no ports.
  if (family === 4 && (buffer.readUInt16BE(at + 6) & 0x1fff) !== 0) return undefined;
  const inverse = readAddresses(buffer, at, family);
  const words = wordsOf(family);
  const addresses = new Int32Array(2 * words);
  addresses.set(inverse.subarray(words), 0);
  addresses.set(inverse.subarray(0, words), words);
  return {
    quotedLength: family === 4 ? buffer.readUInt16BE(at + 2) : 40 + buffer.readUInt16BE(at + 4),
    protocol,
    addresses,
    localPort: buffer.readUInt16BE(at + header),
    remotePort: buffer.readUInt16BE(at + header + 2),
    sequence: buffer.readInt32BE(at + header + 4),
  };
}

/** Source, then destination of a packet: for its receiver, remote and local. */
function readAddresses(packet: Buffer, offset: number, family: IpFamily): Int32Array {
  const words = new Int32Array(2 * wordsOf(family));
  const start = offset + (family === 4 ? 12 : 8);
  for (let i = 0; i < words.length; i++) words[i] = packet.readInt32BE(start + 4 * i);
  return words;
}

/** True for multicast, limited broadcast and the unspecified address. */
function isGroup(family: IpFamily, addresses: Int32Array, at: number): boolean {
  if (family === 6) {
    if (addresses[at]! >>> 24 === 0xff) return true;
    return (addresses[at]! | addresses[at + 1]! | addresses[at + 2]! | addresses[at + 3]!) === 0;
  }
  const address = addresses[at]! >>> 0;
  return address >= 0xe0000000 || address === 0;
}

function mayReportOn(packet: Buffer, offset: number, length: number, family: IpFamily, addresses: Int32Array): boolean {
  if (length < (family === 4 ? 20 : 40) + 8) return false;
  if (isGroup(family, addresses, 0) || isGroup(family, addresses, wordsOf(family))) return false;
  if (family === 4) {
    if ((packet.readUInt16BE(offset + 6) & 0x1fff) !== 0) return false;
    if (packet[offset + 9] !== PROTOCOL_ICMP) return true;
    const type = packet[offset + ((packet[offset]! & 0x0f) << 2)]!;
    return type === V4.Echo || type === V4.EchoReply;
  }
  // An error may follow extension headers, and a later fragment may belong to one (RFC 4443 §2.4 e.1).
  if (!walkHeaders(packet, offset, offset + length, chain)) return false;
  if (chain.fragmentAt >= 0 && (packet.readUInt16BE(chain.fragmentAt + 2) & 0xfff8) !== 0) return false;
  if (chain.protocol !== PROTOCOL_ICMPV6) return true;
  return chain.at < offset + length && packet[chain.at]! >= V6.Echo;
}
