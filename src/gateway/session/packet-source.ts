import type { TunnelAddress } from './address-pool.ts';

const PROTO_ICMP = 1;
const PROTO_IGMP = 2;
const PROTO_ICMPV6 = 58;

/** ICMP, IGMP and ICMPv6 do not reset the idle timeout, as in ocserv 1.2.2 and later. */
export function countsAsUse(buffer: Buffer, offset: number): boolean {
  const version = buffer[offset]! >>> 4;
  if (version === 4) {
    const protocol = buffer[offset + 9];
    return protocol !== PROTO_ICMP && protocol !== PROTO_IGMP;
  }
  // A hop-by-hop header (0) only precedes multicast listener reports.
  return buffer[offset + 6] !== PROTO_ICMPV6 && buffer[offset + 6] !== 0;
}

/** `strange`: link-local and unspecified sources, which every kernel uses on a new interface; dropped, but not a violation. */
export type PacketSource = 'own' | 'spoofed' | 'malformed' | 'strange';

/** Whose address a packet from the client has as its source. */
export function sourceOf(
  buffer: Buffer,
  offset: number,
  length: number,
  own4: TunnelAddress | undefined,
  own6: TunnelAddress | undefined,
): PacketSource {
  const version = length >= 20 ? buffer[offset]! >>> 4 : 0;
  if (version === 4) {
    return own4 && buffer.readUInt32BE(offset + 12) === own4.bytes.readUInt32BE(0) ? 'own' : 'spoofed';
  }
  if (version !== 6 || length < 40) return 'malformed';
  if (own6?.bytes.equals(buffer.subarray(offset + 8, offset + 24))) return 'own';
  const linkLocal = buffer[offset + 8] === 0xfe && (buffer[offset + 9]! & 0xc0) === 0x80;
  const unspecified = buffer[offset + 8] === 0 && buffer[offset + 23] === 0;
  return linkLocal || unspecified ? 'strange' : 'spoofed';
}
