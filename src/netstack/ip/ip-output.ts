import type { Buffer } from 'node:buffer';
import { MIN_MTU_V6 } from '../core/constants.ts';
import type { Counters } from '../core/counters.ts';
import { fold, type PacketSlab, swap16, swap32 } from '../core/packet-slab.ts';
import type { IpFamily } from '../core/types.ts';

/** What sending a datagram needs from the stack. */
export interface IpHost {
  readonly slab: PacketSlab;
  readonly counters: Counters;
  /** Monotonic milliseconds. */
  now: number;
  /** Sends the packet of `length` bytes that was built at the base of the slab. */
  transmit(length: number): void;
  nextIpId(): number;
  /** Largest packet to the remote end of these addresses, in bytes. */
  mtuTowards(family: IpFamily, addresses: Int32Array): number;
}

export const PROTOCOL_ICMP = 1;
export const PROTOCOL_TCP = 6;
export const PROTOCOL_UDP = 17;
export const PROTOCOL_ICMPV6 = 58;
const PROTOCOL_FRAGMENT = 44;

/** Default of RFC 1700, as hosts use it. */
const TTL = 64;
const FRAGMENT_HEADER = 8;
const MORE_FRAGMENTS = 0x2000;

/** Number of words in one address. */
export const wordsOf = (family: IpFamily): 1 | 4 => (family === 4 ? 1 : 4);

/** Sum of the pseudo-header (RFC 9293 §3.1, RFC 8200 §8.1) in the slab's little-endian order, not folded. */
export function pseudoSum(addresses: Int32Array, family: IpFamily, protocol: number, length: number): number {
  let sum = protocol + (length & 0xffff) + (length >>> 16);
  for (let i = 0; i < 2 * wordsOf(family); i++) sum += (addresses[i]! & 0xffff) + (addresses[i]! >>> 16);
  return swap16(fold(sum));
}

/** The checksum field, as bytes in memory order, for `payload` with a zero checksum. */
export function transportChecksum(
  host: IpHost,
  addresses: Int32Array,
  family: IpFamily,
  protocol: number,
  payload: Buffer,
): number {
  const sum = host.slab.sumOf(payload, 0, payload.length) + pseudoSum(addresses, family, protocol, payload.length);
  return ~fold(sum) & 0xffff;
}

/**
 * Sends a transport payload from the local to the remote end of `addresses` (remote first, then local), in fragments if it exceeds the path
 * MTU (RFC 791 §2.3, RFC 8200 §4.5). False if it does not fit into any packet.
 */
export function sendIp(
  host: IpHost,
  family: IpFamily,
  addresses: Int32Array,
  protocol: number,
  payload: Buffer,
): boolean {
  const header = family === 4 ? 20 : 40;
  if (payload.length > 65_535 - (family === 4 ? header : 0)) return false;
  const mtu = host.mtuTowards(family, addresses);
  if (header + payload.length <= mtu) {
    payload.copy(host.slab.bytes, host.slab.base + header);
    if (family === 4) writeHeader4(host, addresses, protocol, payload.length, host.nextIpId(), 0);
    else writeHeader6(host, addresses, protocol, payload.length);
    host.transmit(header + payload.length);
    return true;
  }
  return family === 4
    ? fragment4(host, addresses, protocol, payload, mtu)
    : fragment6(host, addresses, protocol, payload, mtu);
}

function fragment4(host: IpHost, addresses: Int32Array, protocol: number, payload: Buffer, mtu: number): boolean {
  const room = (mtu - 20) & ~7;
  if (room < 8) return false;
  const id = host.nextIpId();
  for (let at = 0; at < payload.length; at += room) {
    const length = Math.min(room, payload.length - at);
    payload.copy(host.slab.bytes, host.slab.base + 20, at, at + length);
    const more = at + length < payload.length ? MORE_FRAGMENTS : 0;
    writeHeader4(host, addresses, protocol, length, id, more | (at >> 3));
    host.transmit(20 + length);
  }
  return true;
}

function fragment6(host: IpHost, addresses: Int32Array, protocol: number, payload: Buffer, mtu: number): boolean {
  const room = (Math.max(mtu, MIN_MTU_V6) - 40 - FRAGMENT_HEADER) & ~7;
  // 32 bits of identification (RFC 8200 §4.5): 16 of them count up, the others make it hard to guess (RFC 7739).
  const id = ((Math.floor(host.now) & 0xffff) << 16) | host.nextIpId();
  const { bytes, base } = host.slab;
  for (let at = 0; at < payload.length; at += room) {
    const length = Math.min(room, payload.length - at);
    const more = at + length < payload.length ? 1 : 0;
    bytes[base + 40] = protocol;
    bytes[base + 41] = 0;
    bytes.writeUInt16BE(at | more, base + 42);
    bytes.writeInt32BE(id | 0, base + 44);
    payload.copy(bytes, base + 40 + FRAGMENT_HEADER, at, at + length);
    writeHeader6(host, addresses, PROTOCOL_FRAGMENT, FRAGMENT_HEADER + length);
    host.transmit(40 + FRAGMENT_HEADER + length);
  }
  return true;
}

function writeHeader4(
  host: IpHost,
  addresses: Int32Array,
  protocol: number,
  length: number,
  id: number,
  fragment: number,
): void {
  const { words, base } = host.slab;
  const w = base >> 2;
  words[w] = 0x45 | (swap16(20 + length) << 16);
  words[w + 1] = swap16(id) | (swap16(fragment) << 16);
  words[w + 2] = TTL | (protocol << 8);
  words[w + 3] = swap32(addresses[1]!);
  words[w + 4] = swap32(addresses[0]!);
  words[w + 2] = TTL | (protocol << 8) | ((~host.slab.sum(base, 20) & 0xffff) << 16);
}

function writeHeader6(host: IpHost, addresses: Int32Array, nextHeader: number, length: number): void {
  const { words, base } = host.slab;
  const w = base >> 2;
  words[w] = 0x60;
  words[w + 1] = swap16(length) | (nextHeader << 16) | (TTL << 24);
  for (let i = 0; i < 4; i++) {
    words[w + 2 + i] = swap32(addresses[4 + i]!);
    words[w + 6 + i] = swap32(addresses[i]!);
  }
}
