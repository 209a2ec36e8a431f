import { Buffer } from 'node:buffer';
import type { Counters } from '../core/counters.ts';
import { fold } from '../core/packet-slab.ts';
import type { IpFamily } from '../core/types.ts';
import { int32 } from '../core/word.ts';
import { type HeaderChain, walkHeaders } from './extension-headers.ts';
import { type FragmentHost, Fragments } from './fragments.ts';
import { PROTOCOL_ICMPV6, PROTOCOL_TCP, PROTOCOL_UDP } from './ip-output.ts';
import { IpPayload } from './ip-payload.ts';

/** What IP input needs from the stack. */
export interface IpInputHost extends FragmentHost {
  readonly counters: Counters;
  /** Whether the destination in `addresses` (remote, then local) belongs to the stack. */
  isLocal(family: IpFamily, addresses: Int32Array): boolean;
  /** Processes a whole payload. */
  payload(payload: IpPayload): void;
}

/** Header checks, extension headers and reassembly: from IP packets to payloads (RFC 791, RFC 1122 §3.2, RFC 8200). */
export class IpInput {
  readonly fragments: Fragments;
  readonly #host: IpInputHost;
  readonly #payload = new IpPayload();
  /** Addresses of the payload: remote, then local. */
  readonly #addresses = this.#payload.addresses;
  readonly #chain: HeaderChain = { protocol: 0, at: 0, nextHeaderAt: 0, fragmentAt: -1, fragmentNamedAt: -1 };

  constructor(host: IpInputHost) {
    this.#host = host;
    this.fragments = new Fragments(host);
  }

  input(buffer: Buffer, offset: number, length: number): void {
    const version = length > 0 ? buffer[offset]! >> 4 : 0;
    if (version === 4) this.#input4(buffer, offset, length);
    else if (version === 6) this.#input6(buffer, offset, length);
    else this.#host.counters.dropBadVersion++;
  }

  /** Passes on what follows the `headerLength` bytes of headers of the packet at `offset`. */
  #pass(protocol: number, buffer: Buffer, offset: number, total: number, headerLength: number, family: IpFamily): void {
    const payload = this.#payload;
    payload.protocol = protocol;
    payload.buffer = buffer;
    payload.packet = offset;
    payload.packetLength = total;
    payload.at = offset + headerLength;
    payload.length = total - headerLength;
    payload.family = family;
    this.#host.payload(payload);
  }

  #input4(buffer: Buffer, offset: number, length: number): void {
    const host = this.#host;
    const { counters } = host;
    const headerLength = (buffer[offset]! & 0x0f) << 2;
    if (length < 20 || headerLength < 20) {
      counters.dropBadHeader++;
      return;
    }
    const total = (buffer[offset + 2]! << 8) | buffer[offset + 3]!;
    if (total > length || total < headerLength) {
      counters.dropTruncated++;
      return;
    }
    let sum = 0;
    for (let i = offset; i < offset + headerLength; i += 2) sum += (buffer[i]! << 8) | buffer[i + 1]!;
    if (fold(sum) !== 0xffff) {
      counters.dropHeaderChecksum++;
      return;
    }
    const addresses = this.#addresses;
    const source = int32(buffer, offset + 12);
    const destination = int32(buffer, offset + 16);
    addresses[0] = source;
    addresses[1] = destination;
    // RFC 1122 §3.2.1.3: a multicast address and "this host" are no valid source; packets to a multicast address are not for this host.
    if (source >>> 0 >= 0xe0000000 || source >>> 24 === 0 || destination >>> 0 >= 0xe0000000 || destination === 0) {
      counters.dropBadAddress++;
      return;
    }
    if (!host.isLocal(4, addresses)) {
      counters.dropNotLocal++;
      return;
    }
    const fragment = ((buffer[offset + 6]! & 0x3f) << 8) | buffer[offset + 7]!;
    if (fragment !== 0) {
      this.#fragment4(buffer, offset, headerLength, total, fragment);
      return;
    }
    this.#pass(buffer[offset + 9]!, buffer, offset, total, headerLength, 4);
  }

  #fragment4(buffer: Buffer, offset: number, headerLength: number, total: number, fragment: number): void {
    const id = (buffer[offset + 4]! << 8) | buffer[offset + 5]!;
    const whole = this.fragments.add({
      key: `4 ${this.#addresses[0]} ${this.#addresses[1]} ${id} ${buffer[offset + 9]}`,
      buffer,
      packet: offset,
      packetLength: total,
      headLength: headerLength,
      at: offset + headerLength,
      length: total - headerLength,
      from: (fragment & 0x1fff) << 3,
      more: (fragment & 0x2000) !== 0,
    });
    if (whole === undefined) return;
    const { head, body } = whole;
    const header = (head[0]! & 0x0f) << 2;
    if (header !== head.length || header + body.length > 0xffff) {
      this.#host.counters.dropFragmentBad++;
      return;
    }
    head.writeUInt16BE(header + body.length, 2);
    head.writeUInt16BE(0, 6);
    head.writeUInt16BE(0, 10);
    let sum = 0;
    for (let i = 0; i < header; i += 2) sum += head.readUInt16BE(i);
    head.writeUInt16BE(~fold(sum) & 0xffff, 10);
    this.#input4(Buffer.concat([head, body]), 0, header + body.length);
  }

  #input6(buffer: Buffer, offset: number, length: number): void {
    const host = this.#host;
    const { counters } = host;
    if (length < 40) {
      counters.dropBadHeader++;
      return;
    }
    const total = 40 + ((buffer[offset + 4]! << 8) | buffer[offset + 5]!);
    if (total > length) {
      counters.dropTruncated++;
      return;
    }
    const addresses = this.#addresses;
    for (let i = 0; i < 8; i++) addresses[i] = int32(buffer, offset + 8 + 4 * i);
    // RFC 4291 §2.7: a multicast address is no valid source; packets to one, or from the unspecified address, are not for this host.
    if (
      addresses[0]! >>> 24 === 0xff ||
      addresses[4]! >>> 24 === 0xff ||
      (addresses[0]! | addresses[1]! | addresses[2]! | addresses[3]!) === 0 ||
      (addresses[4]! | addresses[5]! | addresses[6]! | addresses[7]!) === 0
    ) {
      counters.dropBadAddress++;
      return;
    }
    if (!host.isLocal(6, addresses)) {
      counters.dropNotLocal++;
      return;
    }
    const protocol = buffer[offset + 6]!;
    if (protocol === PROTOCOL_TCP || protocol === PROTOCOL_UDP || protocol === PROTOCOL_ICMPV6) {
      this.#pass(protocol, buffer, offset, total, 40, 6);
      return;
    }
    const chain = this.#chain;
    if (!walkHeaders(buffer, offset, offset + total, chain)) {
      counters.dropNoNextHeader++;
      return;
    }
    const place = chain.fragmentAt < 0 ? 0 : (buffer[chain.fragmentAt + 2]! << 8) | buffer[chain.fragmentAt + 3]!;
    // An atomic fragment is a whole packet and is not reassembled (RFC 6946).
    if ((place & 0xfff9) === 0) {
      this.#pass(chain.protocol, buffer, offset, total, chain.at - offset, 6);
    } else {
      this.#fragment6(buffer, offset, total, chain);
    }
  }

  #fragment6(buffer: Buffer, offset: number, total: number, chain: HeaderChain): void {
    const fragment = (buffer[chain.fragmentAt + 2]! << 8) | buffer[chain.fragmentAt + 3]!;
    const id = int32(buffer, chain.fragmentAt + 4);
    const named = chain.fragmentNamedAt - offset;
    const { protocol } = chain;
    const whole = this.fragments.add({
      key: `6 ${this.#addresses.join()} ${id}`,
      buffer,
      packet: offset,
      packetLength: total,
      headLength: chain.fragmentAt - offset,
      at: chain.at,
      length: offset + total - chain.at,
      from: fragment & 0xfff8,
      more: (fragment & 1) !== 0,
    });
    if (whole === undefined) return;
    const { head, body } = whole;
    // The chain of headers up to the fragment header comes from the first fragment, and must match this fragment's.
    if (named >= head.length || head[named] !== FRAGMENT || head.length - 40 + body.length > 0xffff) {
      this.#host.counters.dropFragmentBad++;
      return;
    }
    head[named] = protocol;
    head.writeUInt16BE(head.length - 40 + body.length, 4);
    this.#input6(Buffer.concat([head, body]), 0, head.length + body.length);
  }
}

const FRAGMENT = 44;
