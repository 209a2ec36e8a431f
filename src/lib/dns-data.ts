import { isIPv4, isIPv6 } from 'node:net';
import { isDomainName } from './domain-name.ts';

/** Types of DNS records that a configuration may contain. */
export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'MX', 'PTR', 'SRV', 'TXT'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

const isNumber = (text: string | undefined): boolean => /^\d{1,5}$/.test(text ?? '') && Number(text) <= 0xffff;
/** SRV and MX accept `.`: the service does not exist (RFC 2782, RFC 7505). */
const isTarget = (text: string | undefined): boolean => text === '.' || isDomainName(text ?? '');

const EXPECTED: Readonly<
  Record<RecordType, { readonly expected: string; readonly test: (data: string, words: readonly string[]) => boolean }>
> = {
  A: { expected: 'an IPv4 address', test: (data) => isIPv4(data) },
  AAAA: { expected: 'an IPv6 address', test: (data) => isIPv6(data) && !data.includes('%') },
  CNAME: { expected: 'a domain name', test: (data) => isDomainName(data) },
  PTR: { expected: 'a domain name', test: (data) => isDomainName(data) },
  MX: {
    expected: 'a preference and a domain name, such as “10 mail.contoso.internal”',
    test: (_, words) => words.length === 2 && isNumber(words[0]) && isTarget(words[1]),
  },
  SRV: {
    expected: 'priority, weight, port and a domain name, such as “0 5 389 dc.contoso.internal”',
    test: (_, words) => words.length === 4 && words.slice(0, 3).every(isNumber) && isTarget(words[3]),
  },
  TXT: { expected: 'a string of 1 to 4000 bytes', test: (data) => data !== '' && Buffer.byteLength(data) <= 4_000 },
};

/** A description of valid data for a record of this type, if the data is invalid. As in a zone file, but a string has no quotes. */
export function wrongData(type: RecordType, data: string): string | undefined {
  const { expected, test } = EXPECTED[type];
  return test(data, data.split(/ +/)) ? undefined : expected;
}
