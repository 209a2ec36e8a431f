import { addressText } from '../lib/ip-address.ts';
import { malformed } from './dns-data.ts';
import { HEADER_BYTES, MAX_POINTERS, Reader, type RecordPlace, readHeader } from './dns-reader.ts';
import { CLASSES, TYPE_NAMES, TYPES, typeNumber } from './dns-types.ts';

/*
 * A server's complete reply to a question: every record of its answer and authority sections, whatever its type, with uncompressed names
 * (RFC 3597 §4), so that it can be checked and passed on in another message.
 */

/** A record, independent of the message that it came in. */
export interface ReplyRecord {
  /** In lower case. */
  readonly name: string;
  /**
   * The name in wire format and in the original case. A pointer to the question is in lower case, because the case of the question is
   * random.
   */
  readonly owner: Buffer;
  readonly type: string;
  /** In seconds. */
  readonly ttl: number;
  /** With uncompressed names. */
  readonly data: Buffer;
  /** The target of a CNAME, in lower case. */
  readonly target?: string;
  /** Its addresses: those of A, AAAA, and the hints of SVCB and HTTPS (RFC 9460 §7.3). */
  readonly addresses: readonly string[];
}

export interface DnsReply {
  readonly id: number;
  /** Whether the message is a reply. */
  readonly answers: boolean;
  readonly opcode: number;
  readonly rcode: number;
  readonly truncated: boolean;
  /** As received; empty unless there is exactly one. */
  readonly question: Buffer;
}

/** Maximum number of records to read from a reply, in both sections. */
const MAX_RECORDS = 1_024;
/** A greater TTL counts as zero (RFC 2181 §8). */
const MAX_TTL = 0x7fff_ffff;

/** Names in the data of a record: number of bytes before them, and number of names (RFC 1035 §3.3, RFC 3597 §4 and others). */
const NAMES_IN_DATA: ReadonlyMap<number, readonly [before: number, names: number]> = new Map(
  [
    { types: ['NS', 'CNAME', 'PTR', 'TYPE3', 'TYPE4', 'TYPE7', 'TYPE8', 'TYPE9', 'TYPE39'], before: 0, names: 1 },
    { types: ['SOA', 'TYPE14', 'TYPE17'], before: 0, names: 2 },
    { types: ['MX', 'TYPE18', 'TYPE21', 'TYPE36'], before: 2, names: 1 },
    { types: ['TYPE26'], before: 2, names: 2 },
    { types: ['SRV'], before: 6, names: 1 },
  ].flatMap(({ types, before, names }) => types.map((type) => [typeNumber(type), [before, names] as const] as const)),
);
const SOA_NUMBERS = 20;

/**
 * The header and the question of a reply.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function readDnsReply(bytes: Buffer): DnsReply {
  const flags = readHeader(bytes);
  let question = bytes.subarray(0, 0);
  if (bytes.readUInt16BE(4) === 1) {
    const reader = new Reader(bytes);
    skipQuestion(reader);
    question = bytes.subarray(HEADER_BYTES, reader.at);
  }
  return {
    id: bytes.readUInt16BE(0),
    answers: (flags & 0x8000) !== 0,
    opcode: (flags >> 11) & 0x0f,
    rcode: flags & 0x0f,
    truncated: (flags & 0x0200) !== 0,
    question,
  };
}

/**
 * Reads the records of a reply. All sections must be complete, including those that are not returned.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function readReplyRecords(bytes: Buffer): {
  readonly answer: readonly ReplyRecord[];
  readonly authority: readonly ReplyRecord[];
} {
  readHeader(bytes);
  const [questions, answers, authorities, others] = [4, 6, 8, 10].map((at) => bytes.readUInt16BE(at)) as [
    number,
    number,
    number,
    number,
  ];
  if (questions > 1) throw malformed(`it claims ${questions} questions`);
  if (answers + authorities + others > MAX_RECORDS)
    throw malformed(`it claims ${answers + authorities + others} records`);
  const reader = new Reader(bytes);
  if (questions > 0) skipQuestion(reader);
  const ownLetters = reader.at;
  const section = (count: number): ReplyRecord[] => {
    const records: ReplyRecord[] = [];
    for (let left = count; left > 0; left--) {
      const place = reader.record();
      if (place.class === CLASSES['IN']) records.push(recordAt(bytes, place, ownLetters));
    }
    return records;
  };
  const answer = section(answers);
  const authority = section(authorities);
  for (let left = others; left > 0; left--) reader.record();
  if (reader.at !== bytes.length) throw malformed('there are bytes after its records');
  return { answer, authority };
}

function skipQuestion(reader: Reader): void {
  reader.skipName();
  reader.uint16();
  reader.uint16();
}

function recordAt(bytes: Buffer, place: RecordPlace, ownLetters: number): ReplyRecord {
  const { at, type, ttl } = place;
  const data = dataAt(bytes, place, ownLetters);
  return {
    name: new Reader(bytes, at).name(MAX_POINTERS),
    owner: new Reader(bytes, at).wireName(MAX_POINTERS, ownLetters),
    type: TYPE_NAMES.get(type) ?? `TYPE${type}`,
    ttl: ttl > MAX_TTL ? 0 : ttl,
    data,
    ...(type === TYPES['CNAME'] ? { target: new Reader(bytes, place.from).name(MAX_POINTERS) } : {}),
    addresses: addressesIn(type, data),
  };
}

/** The data with uncompressed names. */
function dataAt(bytes: Buffer, { type, from, to }: RecordPlace, ownLetters: number): Buffer {
  if (type === TYPES['NAPTR']) return naptrData(bytes, from, to, ownLetters);
  const shape = NAMES_IN_DATA.get(type);
  if (shape === undefined) return Buffer.from(bytes.subarray(from, to));
  const [before, names] = shape;
  const reader = new Reader(bytes, from + before);
  const parts = [bytes.subarray(from, from + before)];
  for (let i = 0; i < names; i++) parts.push(reader.wireName(MAX_POINTERS, ownLetters));
  if (to - reader.at !== (type === TYPES['SOA'] ? SOA_NUMBERS : 0))
    throw malformed('the data of a record have the wrong length');
  return Buffer.concat([...parts, bytes.subarray(reader.at, to)]);
}

/** Order, preference and three strings, then a name (RFC 3403 §4.1). */
function naptrData(bytes: Buffer, from: number, to: number, ownLetters: number): Buffer {
  let at = from + 4;
  for (let i = 0; i < 3; i++) at += 1 + (bytes[at] ?? 0);
  const reader = new Reader(bytes, at);
  const name = reader.wireName(MAX_POINTERS, ownLetters);
  if (reader.at !== to) throw malformed('the data of a record have the wrong length');
  return Buffer.concat([bytes.subarray(from, at), name]);
}

function addressesIn(type: number, data: Buffer): readonly string[] {
  if (type === TYPES['A'] || type === TYPES['AAAA']) {
    if (data.length !== (type === TYPES['A'] ? 4 : 16)) throw malformed('an address has the wrong length');
    return [addressText(data)];
  }
  return type === TYPES['SVCB'] || type === TYPES['HTTPS'] ? hintsIn(data) : [];
}

/** Keys of the parameters with addresses (RFC 9460 §14.3.2), and the length of an address. */
const HINTS: ReadonlyMap<number, number> = new Map([
  [4, 4],
  [6, 16],
]);

/** Priority, target, then parameters: key, length, value (RFC 9460 §2.2). */
function hintsIn(data: Buffer): readonly string[] {
  const reader = new Reader(data, 2);
  reader.skipName();
  const found: string[] = [];
  for (let at = reader.at; at < data.length; ) {
    if (at + 4 > data.length) throw malformed('a parameter is cut off');
    const [key, length] = [data.readUInt16BE(at), data.readUInt16BE(at + 2)];
    at += 4;
    if (at + length > data.length) throw malformed('a parameter is cut off');
    const size = HINTS.get(key);
    if (size !== undefined) {
      if (length % size !== 0) throw malformed('an address has the wrong length');
      for (let i = at; i < at + length; i += size) found.push(addressText(data.subarray(i, i + size)));
    }
    at += length;
  }
  return found;
}
