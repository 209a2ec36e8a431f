import { isBelow } from '../lib/domain-name.ts';
import { specialUse } from '../lib/special-address.ts';
import { type AnswerRecord, DnsRcode } from '../wire/dns.ts';
import { type DnsReply, type ReplyRecord, readDnsReply, readReplyRecords } from '../wire/dns-reply.ts';
import { MAX_ALIASES } from './constants.ts';

/** A query as sent to a server. */
export interface SentQuestion {
  readonly id: number;
  /** In wire format, with letters in random case. */
  readonly question: Buffer;
  /** In lower case. */
  readonly name: string;
  readonly type: string;
}

/** Limits on answers for clients. */
interface Limits {
  /** Names that the server must not answer. */
  readonly isOwn: (name: string) => boolean;
  /** Allows addresses of this machine and link-local ones in an answer. */
  readonly local: boolean;
}

/** An answer to pass on. */
export interface ForwardedAnswer {
  readonly rcode: DnsRcode;
  readonly records: readonly AnswerRecord[];
  /** The zone’s start of authority, in a negative answer. */
  readonly authority: readonly AnswerRecord[];
  /** The last alias leads to this name, which is one of ours. */
  readonly own?: string | undefined;
  /** What was removed from it, and why; empty = nothing. */
  readonly leftOut: string;
}

/**
 * Classifies a message. `stray`: not an answer to the query, so the right one may still come; `again`: truncated, retry over TCP;
 * `failed`: this server has no answer; `refused`: it contains a forbidden address.
 */
export type Verdict =
  | { readonly kind: 'stray' | 'again' | 'failed' | 'refused'; readonly why: string }
  | { readonly kind: 'answer'; readonly answer: ForwardedAnswer };

/** Longest lifetime of negative answers, in seconds (RFC 2308 §5). */
const MAX_NEGATIVE_TTL = 10_800;

/**
 * Checks a message from a server's address. UDP source addresses can be forged, so over UDP a message counts only with the ID and question
 * as they were sent, letter by letter (RFC 5452 §9.1, draft-vixie-dnsext-dns0x20).
 * @param maxBytes the requested maximum size
 */
export function judgeReply(
  bytes: Buffer,
  sent: SentQuestion,
  transport: 'udp' | 'tcp',
  maxBytes: number,
  limits: Limits,
): Verdict {
  let reply: DnsReply;
  try {
    reply = readDnsReply(bytes);
  } catch {
    return stray('it is not a DNS message');
  }
  if (!reply.answers || reply.opcode !== 0) return stray('it is not an answer');
  if (reply.id !== sent.id) return stray('it has another id');
  // A server without EDNS support may return only a header (RFC 6891 §7).
  const isBare = reply.question.length === 0 && (reply.rcode === DnsRcode.FormErr || reply.rcode === DnsRcode.NotImp);
  if (isBare) return transport === 'udp' ? again('it reports a format error') : failed(codeText(reply.rcode));
  if (!reply.question.equals(sent.question)) {
    if (!sameButForCase(reply.question, sent.question)) return stray('it has another question');
    if (transport === 'udp') return again('the case of its name differs');
  }
  if (bytes.length > maxBytes) return stray(`it is longer than the requested ${maxBytes} bytes`);
  if (transport === 'udp' && (reply.truncated || reply.rcode === DnsRcode.FormErr)) return again('it is truncated');
  if (reply.truncated) return failed('its answer over TCP is truncated');
  if (reply.rcode !== DnsRcode.NoError && reply.rcode !== DnsRcode.NxDomain) return failed(codeText(reply.rcode));
  try {
    return answerOf(bytes, sent, reply.rcode, limits);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

/** The records that answer the query: its chain of aliases and the records of the last name. Drops all others. */
function answerOf(bytes: Buffer, { name, type }: SentQuestion, rcode: DnsRcode, limits: Limits): Verdict {
  const { answer, authority } = readReplyRecords(bytes);
  const byName = Map.groupBy(answer, (record) => record.name);
  const records: AnswerRecord[] = [];
  let refused = '';
  let last = name;
  const seen = new Set([name]);
  const wants = (record: ReplyRecord): boolean => record.type === type || (type === 'ANY' && record.type !== 'CNAME');
  for (;;) {
    const here = byName.get(last) ?? [];
    const found = here.filter(wants);
    for (const record of found) {
      const special = record.addresses.find((address) => isForbidden(address, limits.local));
      if (special === undefined) records.push(passedOn(record, name));
      else refused ||= `${last} resolves to ${special}, to which no external name may resolve`;
    }
    const alias = found.length > 0 ? undefined : here.find((record) => record.target !== undefined);
    if (alias === undefined) break;
    records.push(passedOn(alias, name));
    last = alias.target!;
    if (seen.has(last)) return failed(`its aliases loop at ${last}`);
    if (seen.size > MAX_ALIASES) return failed(`more than ${MAX_ALIASES} aliases are chained`);
    seen.add(last);
    // Other servers must not define our names.
    if (limits.isOwn(last))
      return { kind: 'answer', answer: { rcode, records, authority: [], own: last, leftOut: '' } };
  }
  const isAnswered = records.some((record) => record.type !== 'CNAME') || type === 'CNAME';
  if (refused !== '' && !isAnswered) return { kind: 'refused', why: refused };
  const start = isAnswered ? undefined : authority.find((one) => one.type === 'SOA' && isZoneOf(one.name, last));
  return {
    kind: 'answer',
    answer: { rcode, records, authority: start ? [negative(start)] : [], leftOut: refused },
  };
}

function isForbidden(address: string, local: boolean): boolean {
  const use = specialUse(address);
  return use !== undefined && !(local && use !== 'metadata');
}

function passedOn({ name, owner, type, ttl, data, target, addresses }: ReplyRecord, asked: string): AnswerRecord {
  return {
    name: name === asked ? undefined : name,
    type,
    ttl,
    data: target ?? addresses[0] ?? '',
    wire: { owner: name === asked ? undefined : owner, data },
  };
}

function negative(start: ReplyRecord): AnswerRecord {
  const { name, owner, type, ttl, data } = start;
  return { name, type, ttl: Math.min(ttl, MAX_NEGATIVE_TTL), data: '', wire: { owner, data } };
}

const isZoneOf = (zone: string, name: string): boolean =>
  zone === '' || zone === name || isBelow(name, new Set([zone]));

/** Letters of a question can differ in case; label lengths are smaller values than letters, type and class are compared exactly. */
function sameButForCase(a: Buffer, b: Buffer): boolean {
  if (a.length !== b.length) return false;
  const name = a.length - 4;
  for (let i = 0; i < a.length; i++) {
    const [x, y] = i < name ? [lower(a[i]!), lower(b[i]!)] : [a[i], b[i]];
    if (x !== y) return false;
  }
  return true;
}

const lower = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);

const CODES: ReadonlyMap<number, string> = new Map(
  Object.entries({ FORMERR: 1, SERVFAIL: 2, NOTIMP: 4, REFUSED: 5 }).map(([name, code]) => [code, name]),
);
const codeText = (rcode: number): string => CODES.get(rcode) ?? `code ${rcode}`;

const stray = (why: string): Verdict => ({ kind: 'stray', why });
const again = (why: string): Verdict => ({ kind: 'again', why });
const failed = (why: string): Verdict => ({ kind: 'failed', why });
