import type { DnsFault } from '../faults/ports.ts';
import { type AnswerRecord, DnsRcode } from '../wire/dns.ts';
import { typeNumber } from '../wire/dns-types.ts';
import { DNS_TTL } from './constants.ts';

/** The resolver's result for a query. */
export interface Resolution {
  readonly rcode: DnsRcode;
  readonly records: readonly AnswerRecord[];
  readonly outcome: string;
  /** The queried name, or the target of its aliases, is outside the mock network: this name. */
  readonly foreign?: string;
  /** Another server has answered, with this start of authority. */
  readonly authority?: readonly AnswerRecord[];
}

export const NO_RECORD = 'no record of this type';

/** Types that concern a whole zone or the connection itself (RFC 6895 §3.1). ANY, 255, is like any other. */
export function isMeta(type: string): boolean {
  const number = typeNumber(type);
  return (number >= 128 && number < 255) || number === 41;
}

/** A record of the queried name, as an additional record for another query. */
export const named = (one: AnswerRecord, name: string): AnswerRecord => ({ ...one, name: one.name ?? name });

export function outcomeOf(rcode: DnsRcode, records: readonly AnswerRecord[], type: string): string {
  if (rcode === DnsRcode.NxDomain) return 'no such name, says';
  return records.some((one) => type === 'CNAME' || one.type !== 'CNAME') ? 'answered by' : `${NO_RECORD}, says`;
}

export const COUNTED = {
  [DnsRcode.NoError]: 'answered',
  [DnsRcode.FormErr]: 'malformed',
  [DnsRcode.ServFail]: 'failed',
  [DnsRcode.NxDomain]: 'answered',
  [DnsRcode.NotImp]: 'refused',
  [DnsRcode.Refused]: 'refused',
} as const;

/** A deliberate answer, with the correct answer if it needs one. */
export function faulty(
  { kind, addresses = [], explanation }: DnsFault,
  type: string,
  right: () => Resolution | Promise<Resolution>,
): Resolution | Promise<Resolution> {
  switch (kind) {
    case 'nxdomain':
      return none(DnsRcode.NxDomain, explanation);
    case 'servfail':
      return failure(explanation);
    case 'refused':
      return none(DnsRcode.Refused, explanation);
    case 'drop':
      return none(DnsRcode.NoError, `no answer: ${explanation}`);
    case 'wrong_address':
      return { ...answer(type, addresses), outcome: `wrong answer: ${explanation}` };
    case 'delay':
    case 'truncate':
      return right();
  }
}

/** The addresses of the queried type. */
export function answer(type: string, addresses: readonly string[]): Resolution {
  const wanted = type === 'A' ? 4 : type === 'AAAA' ? 6 : 0;
  const fitting = addresses.filter((address) => (address.includes(':') ? 6 : 4) === wanted);
  return fitting.length > 0
    ? records(fitting.map((address) => record(type, address)))
    : none(DnsRcode.NoError, NO_RECORD);
}

export const records = (found: Resolution['records']): Resolution => ({
  rcode: DnsRcode.NoError,
  records: found,
  outcome: 'answered',
});
export const record = (type: string, data: string): AnswerRecord => ({ type, ttl: DNS_TTL, data });
export const none = (rcode: DnsRcode, outcome: string): Resolution => ({ rcode, records: [], outcome });
export const foreign = (name: string): Resolution => ({
  ...none(DnsRcode.Refused, 'refused: not a name of the mock network'),
  foreign: name,
});
export const failure = (outcome: string): Resolution => none(DnsRcode.ServFail, outcome);

/** A server that refuses, or does not understand, is not authoritative. */
export function isAuthoritative(rcode: DnsRcode): boolean {
  return rcode === DnsRcode.NoError || rcode === DnsRcode.NxDomain;
}
