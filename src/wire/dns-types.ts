import { malformed } from './dns-data.ts';

/* The numbers of types and classes (IANA, Domain Name System Parameters). */

/** Types of records by their mnemonics. */
export const TYPES: Readonly<Record<string, number>> = {
  ...{ A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, HINFO: 13, MX: 15, TXT: 16, AAAA: 28, SRV: 33, NAPTR: 35, OPT: 41 },
  ...{
    DS: 43,
    RRSIG: 46,
    NSEC: 47,
    DNSKEY: 48,
    TLSA: 52,
    SVCB: 64,
    HTTPS: 65,
    IXFR: 251,
    AXFR: 252,
    ANY: 255,
    CAA: 257,
  },
};
export const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const mnemonics = (table: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(table).map(([name, number]) => [number, name]));
export const TYPE_NAMES = mnemonics(TYPES);
export const CLASS_NAMES = mnemonics(CLASSES);

/** The number of a type. @throws TunneliteError `ERR_DNS_MALFORMED` if it is not one */
export function typeNumber(type: string): number {
  const number = TYPES[type] ?? Number(/^TYPE(\d{1,5})$/.exec(type)?.[1]);
  if (!(number <= 0xffff)) throw malformed(`${type} is not a record type`);
  return number;
}
