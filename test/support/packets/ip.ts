import { Buffer } from 'node:buffer';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { foldSum, internetChecksum, onesSum } from './checksum.ts';
import { MalformedPacket } from './malformed.ts';

/** IP packets as plain objects. The stack under test reads packets where they lie, and shares no code with this. */

/** Protocol numbers (IANA) that have names here. */
export const IpProtocol = { Icmp: 1, Tcp: 6, Udp: 17, Icmpv6: 58 } as const;

/** Largest packet that is parsed: an IPv6 header and 65 535 bytes. */
export const IP_MAX_PACKET = 40 + 65_535;

/** The place of a fragment in its packet (RFC 791 §3.1, RFC 8200 §4.5). */
export interface IpFragment {
  /** Offset in bytes, a multiple of eight. */
  readonly offset: number;
  readonly more: boolean;
  readonly identification: number;
}

/** An IPv4 packet (RFC 791 §3.1). */
export interface Ipv4Packet {
  readonly version: 4;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** Default 64. */
  readonly ttl?: number;
  /** DSCP and ECN, one byte. Default 0. */
  readonly trafficClass?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  /** Present on fragments only; its identification is the packet's. */
  readonly fragment?: IpFragment;
  /** Options with their padding; a multiple of four bytes, 40 at most. */
  readonly options?: Buffer;
  readonly payload: Buffer;
}

/** An extension header, without the two bytes of next header and length. */
export interface Ipv6ExtensionHeader {
  readonly type: number;
  /** 6 bytes, or 8 more for each unit of its length field. */
  readonly data: Buffer;
}

/** An IPv6 packet (RFC 8200 §3); `protocol` is what follows the extension headers. */
export interface Ipv6Packet {
  readonly version: 6;
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  /** Hop limit. Default 64. */
  readonly ttl?: number;
  readonly trafficClass?: number;
  readonly flowLabel?: number;
  /** In order; the fragment header is `fragment` and comes after them. */
  readonly extensions?: readonly Ipv6ExtensionHeader[];
  readonly fragment?: IpFragment;
  readonly payload: Buffer;
}

export type IpPacket = Ipv4Packet | Ipv6Packet;

const FRAGMENT = 44;
/** Hop-by-hop, routing, destination options (RFC 8200 §4). */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const MAX_EXTENSIONS = 16;

const malformed = (what: string): MalformedPacket => new MalformedPacket(what);

/** The bytes of an address: 4 or 16. @throws MalformedPacket */
export function addressBytes(address: string): Buffer {
  if (isIP(address) === 0) throw malformed(`"${address}" is not an IP address.`);
  return Buffer.from(ipaddr.parse(address).toByteArray());
}

const addressText = (bytes: Buffer): string => ipaddr.fromByteArray([...bytes]).toString();

/** Sum of the pseudo-header that TCP, UDP and ICMPv6 checksums include (RFC 9293 §3.1, RFC 8200 §8.1), folded. */
export function pseudoHeaderSum(source: string, destination: string, protocol: number, length: number): number {
  const addresses = Buffer.concat([addressBytes(source), addressBytes(destination)]);
  return onesSum(addresses, foldSum(protocol + (length & 0xffff) + (length >>> 16)));
}

/**
 * Reads one packet; what follows its length is ignored. `payload` and `options` are views of the input.
 *
 * @param maxPacket largest input accepted, in bytes
 * @throws MalformedPacket for anything that is not a packet, wrong IPv4 header checksum included
 */
export function parseIp(bytes: Buffer, maxPacket: number = IP_MAX_PACKET): IpPacket {
  if (bytes.length > maxPacket)
    throw malformed(`A packet of ${bytes.length} bytes is above the limit of ${maxPacket}.`);
  const version = bytes.length === 0 ? 0 : bytes[0]! >> 4;
  if (version === 4) return parse4(bytes);
  if (version === 6) return parse6(bytes);
  throw malformed(`IP version ${version} does not exist.`);
}

function parse4(bytes: Buffer): Ipv4Packet {
  const header = (bytes[0]! & 0x0f) << 2;
  if (bytes.length < 20 || header < 20) throw malformed('The IPv4 header is too short.');
  const total = bytes.readUInt16BE(2);
  if (total > bytes.length || total < header) {
    throw malformed(`The IPv4 header claims ${total} bytes, ${bytes.length} are there.`);
  }
  if (internetChecksum(bytes.subarray(0, header)) !== 0) throw malformed('The IPv4 header checksum is wrong.');
  const place = bytes.readUInt16BE(6);
  const identification = bytes.readUInt16BE(4);
  const more = (place & 0x2000) !== 0;
  const offset = (place & 0x1fff) << 3;
  return {
    version: 4,
    source: addressText(bytes.subarray(12, 16)),
    destination: addressText(bytes.subarray(16, 20)),
    protocol: bytes[9]!,
    ttl: bytes[8]!,
    trafficClass: bytes[1]!,
    identification,
    dontFragment: (place & 0x4000) !== 0,
    ...(more || offset > 0 ? { fragment: { offset, more, identification } } : {}),
    ...(header > 20 ? { options: bytes.subarray(20, header) } : {}),
    payload: bytes.subarray(header, total),
  };
}

function parse6(bytes: Buffer): Ipv6Packet {
  if (bytes.length < 40) throw malformed('The IPv6 header is too short.');
  const end = 40 + bytes.readUInt16BE(4);
  if (end > bytes.length) throw malformed(`The IPv6 header claims ${end} bytes, ${bytes.length} are there.`);
  const extensions: Ipv6ExtensionHeader[] = [];
  let protocol = bytes[6]!;
  let at = 40;
  while (EXTENSIONS.has(protocol)) {
    const length = at + 8 > end ? 0 : (bytes[at + 1]! + 1) << 3;
    if (length === 0 || at + length > end || extensions.length === MAX_EXTENSIONS) {
      throw malformed('The IPv6 extension headers do not fit the packet.');
    }
    extensions.push({ type: protocol, data: bytes.subarray(at + 2, at + length) });
    protocol = bytes[at]!;
    at += length;
  }
  let fragment: IpFragment | undefined;
  if (protocol === FRAGMENT) {
    if (at + 8 > end) throw malformed('The IPv6 fragment header does not fit the packet.');
    const place = bytes.readUInt16BE(at + 2);
    fragment = { offset: place & 0xfff8, more: (place & 1) !== 0, identification: bytes.readUInt32BE(at + 4) };
    protocol = bytes[at]!;
    at += 8;
  }
  return {
    version: 6,
    source: addressText(bytes.subarray(8, 24)),
    destination: addressText(bytes.subarray(24, 40)),
    protocol,
    ttl: bytes[7]!,
    trafficClass: (bytes.readUInt16BE(0) >> 4) & 0xff,
    flowLabel: bytes.readUInt32BE(0) & 0xf_ffff,
    ...(extensions.length > 0 ? { extensions } : {}),
    ...(fragment ? { fragment } : {}),
    payload: bytes.subarray(at, end),
  };
}

/** The packet as new bytes, with its length and IPv4 header checksum. @throws MalformedPacket for what fits no packet */
export function serializeIp(packet: IpPacket): Buffer {
  return packet.version === 4 ? serialize4(packet) : serialize6(packet);
}

function endsOf(packet: IpPacket, size: number): [Buffer, Buffer] {
  const ends: [Buffer, Buffer] = [addressBytes(packet.source), addressBytes(packet.destination)];
  if (ends[0].length !== size || ends[1].length !== size) {
    throw malformed(`"${packet.source}" and "${packet.destination}" are not both of IPv${packet.version}.`);
  }
  return ends;
}

function serialize4(packet: Ipv4Packet): Buffer {
  const { options = Buffer.alloc(0), fragment, payload } = packet;
  if (options.length > 40 || (options.length & 3) !== 0) throw malformed('IPv4 options do not fit the header.');
  const header = 20 + options.length;
  if (header + payload.length > 65_535) throw malformed('The payload does not fit an IPv4 packet.');
  const [source, destination] = endsOf(packet, 4);
  const bytes = Buffer.alloc(header + payload.length);
  bytes[0] = 0x40 | (header >> 2);
  bytes[1] = packet.trafficClass ?? 0;
  bytes.writeUInt16BE(bytes.length, 2);
  bytes.writeUInt16BE(fragment?.identification ?? packet.identification ?? 0, 4);
  const flags = (packet.dontFragment ? 0x4000 : 0) | (fragment?.more ? 0x2000 : 0);
  bytes.writeUInt16BE(flags | ((fragment?.offset ?? 0) >> 3), 6);
  bytes[8] = packet.ttl ?? 64;
  bytes[9] = packet.protocol;
  source.copy(bytes, 12);
  destination.copy(bytes, 16);
  options.copy(bytes, 20);
  bytes.writeUInt16BE(internetChecksum(bytes.subarray(0, header)), 10);
  payload.copy(bytes, header);
  return bytes;
}

function serialize6(packet: Ipv6Packet): Buffer {
  const { extensions = [], fragment, payload } = packet;
  const [source, destination] = endsOf(packet, 16);
  const types = [...extensions.map(({ type }) => type), ...(fragment ? [FRAGMENT] : []), packet.protocol];
  const parts = extensions.map(({ data }, i) => {
    if ((data.length + 2) % 8 !== 0 || data.length > 2046)
      throw malformed('An IPv6 extension header has no valid length.');
    return Buffer.concat([Buffer.from([types[i + 1]!, (data.length + 2) / 8 - 1]), data]);
  });
  if (fragment) {
    const part = Buffer.alloc(8);
    part[0] = packet.protocol;
    part.writeUInt16BE((fragment.offset & 0xfff8) | (fragment.more ? 1 : 0), 2);
    part.writeUInt32BE(fragment.identification, 4);
    parts.push(part);
  }
  const body = Buffer.concat([...parts, payload]);
  if (body.length > 65_535) throw malformed('The payload does not fit an IPv6 packet.');
  const header = Buffer.alloc(40);
  header.writeUInt32BE((0x6000_0000 | ((packet.trafficClass ?? 0) << 20) | (packet.flowLabel ?? 0)) >>> 0, 0);
  header.writeUInt16BE(body.length, 4);
  header[6] = types[0]!;
  header[7] = packet.ttl ?? 64;
  source.copy(header, 8);
  destination.copy(header, 24);
  return Buffer.concat([header, body]);
}

const PROTOCOL_NAMES: Readonly<Record<number, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' };

/** One line about a packet, for logs. */
export function describeIp(packet: IpPacket): string {
  const { fragment } = packet;
  const place = fragment
    ? `, fragment ${fragment.identification} at ${fragment.offset}${fragment.more ? '+' : ''}`
    : '';
  const protocol = PROTOCOL_NAMES[packet.protocol] ?? `protocol ${packet.protocol}`;
  return `IPv${packet.version} ${packet.source} > ${packet.destination} ${protocol}, ${packet.payload.length} bytes${place}`;
}
