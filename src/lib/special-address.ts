import ipaddr from 'ipaddr.js';
import { parseIp } from './ip-address.ts';

/** Special purpose of an address, to which no external name should resolve. */
export type SpecialUse = 'loopback' | 'link-local' | 'metadata';

/**
 * Addresses at which clouds provide metadata and credentials to a machine: AWS, Azure, Google and others (169.254.169.254), AWS tasks and
 * pods, AWS over IPv6, Azure's host (168.63.129.16), Alibaba Cloud, Oracle Cloud.
 */
const METADATA: ReadonlySet<string> = new Set([
  '169.254.169.254',
  '169.254.170.2',
  '169.254.170.23',
  'fd00:ec2::254',
  'fd00:ec2::23',
  'fe80::a9fe:a9fe',
  '168.63.129.16',
  '100.100.100.200',
  '192.0.0.192',
]);

/** Prefixes before an IPv4 address embedded in an IPv6 one, and its offset in bytes. */
const EMBEDDED: readonly (readonly [prefix: readonly number[], at: number])[] = [
  // IPv4-compatible (RFC 4291 §2.5.5.1), IPv4-mapped (§2.5.5.2), IPv4-translated (RFC 7915), NAT64 (RFC 6052), 6to4 (RFC 3056).
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 12],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff], 12],
  [[0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0], 12],
  [[0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0], 12],
  [[0x20, 0x02], 2],
];

/** The IPv4 address embedded in an IPv6 address; undefined if there is none. */
export function embeddedIpv4(text: string): string | undefined {
  const address = parseIp(text);
  if (address === undefined || address.kind() === 'ipv4') return undefined;
  const bytes = address.toByteArray();
  // `::` and `::1` embed no address.
  if (bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15]! <= 1) return undefined;
  for (const [prefix, at] of EMBEDDED) {
    if (prefix.every((byte, i) => bytes[i] === byte)) return bytes.slice(at, at + 4).join('.');
  }
  return undefined;
}

/** Special purpose of an address, whatever its spelling; undefined for ordinary addresses, and for strings that are none. */
export function specialUse(text: string): SpecialUse | undefined {
  const address = parseIp(text.replace(/%.*$/, ''));
  if (address === undefined) return undefined;
  const plain = embeddedIpv4(address.toString());
  if (plain !== undefined) return specialUse(plain);
  if (METADATA.has(address.toString())) return 'metadata';
  switch (ipaddr.process(address.toString()).range()) {
    // A connection to 0.0.0.0 or :: reaches this machine.
    case 'unspecified':
    case 'loopback':
      return 'loopback';
    case 'linkLocal':
      return 'link-local';
    default:
      return undefined;
  }
}
