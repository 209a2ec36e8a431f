import ipaddr from 'ipaddr.js';
import { TunneliteError } from '../lib/errors.ts';
import { isWithin, parseRange, rangeBytes } from '../lib/ip-range.ts';
import type { NameConstraints, PermittedNames } from './types.ts';

/** OID of the extension, RFC 5280 §4.2.1.10. */
export const NAME_CONSTRAINTS_OID = '2.5.29.30';

// DER of OID 2.5.29.30, tag and length included.
const OID_DER = Buffer.from([0x06, 0x03, 0x55, 0x1d, 0x1e]);

// Tags of GeneralName and of the two lists, RFC 5280 §4.2.1.6 and §4.2.1.10.
const TAG_SEQUENCE = 0x30;
const TAG_OCTET_STRING = 0x04;
const TAG_BOOLEAN = 0x01;
const TAG_PERMITTED = 0xa0;
const TAG_DNS = 0x82;
const TAG_IP = 0x87;

/** Every DNS name: RFC 5280 §4.2.1.10 allows any labels before a constraint, and this constraint has none. */
const ANY_DNS = '';
/** Every address. */
const ANY_IPS = ['0.0.0.0/0', '::/0'] as const;

/**
 * The value of a NameConstraints extension that permits only these DNS names and, if it is `full`, only these addresses.
 * Types of names that the extension does not mention are unrestricted.
 */
export function encodeNameConstraints(names: PermittedNames, kind: 'full' | 'dns' = 'full'): Buffer {
  const subtrees = [
    ...names.dns.map((name) => der(TAG_DNS, Buffer.from(name, 'ascii'))),
    ...(kind === 'full' ? names.ips.map((range) => der(TAG_IP, addressAndMask(range))) : []),
  ].map((base) => der(TAG_SEQUENCE, base));
  return der(TAG_SEQUENCE, der(TAG_PERMITTED, Buffer.concat(subtrees)));
}

/** The names that a CA's certificate permits, and the kind of its constraints. */
export interface Constraints {
  readonly kind: NameConstraints;
  readonly permitted: PermittedNames;
}

/** Reads the permitted names out of a certificate's DER; undefined when its constraints cannot be read. */
export function decodeNameConstraints(certificate: Buffer): Constraints | undefined {
  const at = certificate.indexOf(OID_DER);
  if (at < 0) return { kind: 'off', permitted: { dns: [ANY_DNS], ips: [...ANY_IPS] } };
  let next = read(certificate, at + OID_DER.length, certificate.length);
  if (next?.tag === TAG_BOOLEAN) next = read(certificate, next.end, certificate.length);
  if (next?.tag !== TAG_OCTET_STRING) return undefined;
  const list = read(certificate, next.start, next.end);
  if (list?.tag !== TAG_SEQUENCE) return undefined;
  const permitted = read(certificate, list.start, list.end);
  if (permitted?.tag !== TAG_PERMITTED) return undefined;
  const dns: string[] = [];
  const ips: string[] = [];
  for (let offset = permitted.start; offset < permitted.end; ) {
    const subtree = read(certificate, offset, permitted.end);
    const base = subtree && read(certificate, subtree.start, subtree.end);
    if (!subtree || !base) return undefined;
    const value = certificate.subarray(base.start, base.end);
    if (base.tag === TAG_DNS) dns.push(value.toString('ascii'));
    if (base.tag === TAG_IP && (value.length === 8 || value.length === 32)) ips.push(rangeText(value));
    offset = subtree.end;
  }
  return ips.length > 0
    ? { kind: 'full', permitted: { dns, ips } }
    : { kind: 'dns', permitted: { dns, ips: [...ANY_IPS] } };
}

/** True when a certificate for this DNS name (wildcard or not) is within the permitted subtrees. */
export function permitsDns(names: PermittedNames, name: string): boolean {
  const bare = name.replace(/^\*\./, '').toLowerCase();
  return names.dns.some((tree) => tree === ANY_DNS || bare === tree || bare.endsWith(`.${tree}`));
}

/** True when this address, or this whole CIDR range, is within a permitted one. */
export function permitsIp(names: PermittedNames, range: string): boolean {
  return names.ips.some((permitted) => isWithin(range, permitted));
}

/** The union of both sets. */
export function unite(a: PermittedNames, b: PermittedNames): PermittedNames {
  const dns = [...a.dns, ...b.dns.filter((name) => !permitsDns(a, name))];
  const ips = [...a.ips, ...b.ips.filter((range) => !permitsIp(a, range))];
  return { dns: [...new Set(dns)], ips: [...new Set(ips)] };
}

/** The part of `wanted` that is not within `names`. */
export function uncovered(names: PermittedNames, wanted: PermittedNames): string[] {
  return [
    ...wanted.dns.filter((name) => !permitsDns(names, name)),
    ...wanted.ips.filter((range) => !permitsIp(names, range)),
  ];
}

/** Lower case, without wildcard; ranges as network address and prefix length. */
export function normalizePermitted(names: Partial<PermittedNames>): PermittedNames {
  return {
    dns: (names.dns ?? []).map((name) => name.replace(/^\*?\./, '').toLowerCase()),
    ips: (names.ips ?? []).map((range) => rangeText(addressAndMask(range))),
  };
}

/** The iPAddress form of RFC 5280 §4.2.1.10: address bytes, then mask bytes. */
function addressAndMask(text: string): Buffer {
  const range = parseRange(text);
  if (!range) throw new TunneliteError('ERR_INTERNAL', `“${text}” is not an address range.`);
  const { network, mask } = rangeBytes(range);
  return Buffer.from([...network, ...mask]);
}

function rangeText(value: Buffer): string {
  const half = value.length / 2;
  const address = ipaddr.fromByteArray([...value.subarray(0, half)]);
  let bits = 0;
  for (const byte of value.subarray(half)) for (let bit = byte; bit & 0x80; bit = (bit << 1) & 0xff) bits++;
  return `${address.toString()}/${bits}`;
}

function der(tag: number, content: Buffer): Buffer {
  const n = content.length;
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** One tag-length-value, or undefined when it does not fit before `limit`. */
function read(buffer: Buffer, at: number, limit: number): { tag: number; start: number; end: number } | undefined {
  const tag = buffer[at];
  let length = buffer[at + 1];
  let start = at + 2;
  if (tag === undefined || length === undefined) return undefined;
  if (length & 0x80) {
    const bytes = length & 0x7f;
    if (bytes < 1 || bytes > 3 || start + bytes > limit) return undefined;
    length = buffer.readUIntBE(start, bytes);
    start += bytes;
  }
  const end = start + length;
  return end <= limit ? { tag, start, end } : undefined;
}
