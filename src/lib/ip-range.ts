import ipaddr from 'ipaddr.js';

/** An address and the number of bits that count: all of them for a single address. */
export type IpRange = readonly [address: ipaddr.IPv4 | ipaddr.IPv6, bits: number];

/** Reads `10.0.0.0/8`, `192.0.2.1` or their IPv6 twins; undefined for anything else, shortened IPv4 forms too. */
export function parseRange(text: string): IpRange | undefined {
  if (ipaddr.isValidCIDR(text)) return ipaddr.parseCIDR(text);
  if (!ipaddr.isValid(text) || (!text.includes(':') && !ipaddr.IPv4.isValidFourPartDecimal(text))) return undefined;
  const address = ipaddr.parse(text);
  return [address, address.kind() === 'ipv4' ? 32 : 128];
}

/** True when all of `inner` is inside `outer`; never across families, never for what is no range. */
export function isWithin(inner: string, outer: string): boolean {
  const [a, b] = [parseRange(inner), parseRange(outer)];
  return a !== undefined && b !== undefined && a[1] >= b[1] && sameNetwork(a, b, b[1]);
}

/** True when two ranges have an address in common. */
export function overlaps(one: string, other: string): boolean {
  const [a, b] = [parseRange(one), parseRange(other)];
  return a !== undefined && b !== undefined && sameNetwork(a, b, Math.min(a[1], b[1]));
}

/** The bytes of a range's first address (host bits cleared), and of its mask. */
export function rangeBytes([address, bits]: IpRange): { readonly network: number[]; readonly mask: number[] } {
  const bytes = address.toByteArray();
  const mask = bytes.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, bits - i * 8))) & 0xff);
  return { network: bytes.map((byte, i) => byte & mask[i]!), mask };
}

function sameNetwork([a]: IpRange, [b]: IpRange, bits: number): boolean {
  return a.kind() === b.kind() && a.match(b as ipaddr.IPv4 & ipaddr.IPv6, bits);
}
