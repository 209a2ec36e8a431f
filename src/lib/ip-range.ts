import ipaddr from 'ipaddr.js';
import { parseIp } from './ip-address.ts';

/** An address and the number of significant bits: all of them for a single address. */
export type IpRange = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Reads `10.0.0.0/8`, `192.0.2.1` or their IPv6 equivalents; undefined for anything else, including shortened IPv4 forms. */
export function parseRange(text: string): IpRange | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  const address = parseIp(text);
  return address && [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** Whether all of `inner` is inside `outer`; false for different families, and for invalid ranges. */
export function isWithin(inner: string | IpRange, outer: string | IpRange): boolean {
  const [a, b] = [rangeOf(inner), rangeOf(outer)];
  return a !== undefined && b !== undefined && a[1] >= b[1] && sameNetwork(a, b, b[1]);
}

/** Whether two ranges have an address in common. */
export function overlaps(one: string | IpRange, other: string | IpRange): boolean {
  const [a, b] = [rangeOf(one), rangeOf(other)];
  return a !== undefined && b !== undefined && sameNetwork(a, b, Math.min(a[1], b[1]));
}

/** Whether `networks` together contain every address of `range`. */
export function covers(networks: readonly string[], range: string): boolean {
  const wanted = parseRange(range);
  const parsed = networks.map(parseRange).filter((network) => network !== undefined);
  return wanted !== undefined && isCovered(wanted, parsed);
}

function isCovered(range: IpRange, networks: readonly IpRange[]): boolean {
  const near = networks.filter((network) => sameNetwork(network, range, Math.min(network[1], range[1])));
  if (near.some((network) => network[1] <= range[1])) return true;
  // The remaining ones are each a part of the range.
  return near.length > 0 && halves(range).every((half) => isCovered(half, near));
}

function halves(range: IpRange): IpRange[] {
  const { network } = rangeBytes(range);
  const bits = range[1] + 1;
  const upper = [...network];
  upper[range[1] >> 3]! |= 0x80 >> (range[1] & 7);
  return [network, upper].map((bytes) => [ipaddr.fromByteArray(bytes), bits]);
}

/** Whether an address, as bytes, is in the range; undefined for an invalid range. For frequent checks. */
export function rangeTest(text: string): ((address: Uint8Array) => boolean) | undefined {
  const range = parseRange(text);
  if (range === undefined) return undefined;
  const { network, mask } = rangeBytes(range);
  return (address) =>
    address.length === network.length && network.every((byte, i) => byte === (address[i]! & mask[i]!));
}

/** The bytes of a range's first address (host bits cleared), and of its mask. */
export function rangeBytes([address, bits]: IpRange): { readonly network: number[]; readonly mask: number[] } {
  const bytes = address.toByteArray();
  const mask = bytes.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
  return { network: bytes.map((byte, i) => byte & mask[i]!), mask };
}

/** Parsing a range takes a hundred times as long as a comparison, so parse it once for repeated comparisons. */
function rangeOf(range: string | IpRange): IpRange | undefined {
  return typeof range === 'string' ? parseRange(range) : range;
}

function sameNetwork([a]: IpRange, [b]: IpRange, bits: number): boolean {
  return a.kind() === b.kind() && a.match(b as ipaddr.IPv4 & ipaddr.IPv6, bits);
}
