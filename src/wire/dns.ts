import { addressText } from '../lib/ip-address.ts';
import { dataBytes, malformed, nameBytes, uint16s } from './dns-data.ts';
import { HEADER_BYTES, MAX_POINTERS, Reader, type RecordPlace, readHeader, recordCount } from './dns-reader.ts';
import { CLASS_NAMES, CLASSES, TYPE_NAMES, TYPES, typeNumber } from './dns-types.ts';

/*
 * DNS messages (RFC 1035, RFC 6891): the parts that a resolver and a client for addresses need. The cost of reading is bounded by the
 * number of bytes received: irrelevant records are skipped, and a name follows a limited number of pointers.
 */

/** Response codes (RFC 1035 §4.1.1). */
export const DnsRcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4, Refused: 5 } as const;
export type DnsRcode = (typeof DnsRcode)[keyof typeof DnsRcode];

/** A question for a resolver. */
export interface DnsQuery {
  readonly id: number;
  /** 0 is a standard query (RFC 1035 §4.1.1). */
  readonly opcode: number;
  /** Lower-case, without the final dot; empty for the root. Bytes that are not plain letters are written as `\ddd` (RFC 4343 §2.1). */
  readonly name: string;
  /** Mnemonic such as `A`, `AAAA`, `PTR`; `TYPE1234` for types without one (RFC 3597 §5). */
  readonly type: string;
  /** Mnemonic such as `IN`, `CH`, `ANY`; `CLASS1234` without one. */
  readonly class: string;
  readonly recursionDesired: boolean;
  /** Largest UDP answer that the client accepts, in bytes: 512 without EDNS (RFC 6891 §6.2.3). */
  readonly udpPayload: number;
  readonly edns: boolean;
  /**
   * The question as received. The answer repeats it unchanged: clients mix upper and lower case as protection against forged answers
   * (draft-vixie-dnsext-dns0x20, unbound's `use-caps-for-id`).
   */
  readonly question: Buffer;
}

/** One record of an answer. `data` is the address for A and AAAA, the name for PTR and CNAME. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}

/** A record to send. The default of `name` is the name in the question. `data` is written as in a zone file; a TXT string has no quotes. */
export interface AnswerRecord extends Omit<DnsRecord, 'name'> {
  readonly name?: string | undefined;
  /** Used instead of `name` and `data`: both in wire format. */
  readonly wire?: { readonly owner: Buffer | undefined; readonly data: Buffer } | undefined;
}

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: DnsRcode;
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

/** Maximum number of records to read from an answer; typical answers have a few. */
const MAX_RECORDS = 256;
const EDNS_UDP_BYTES = 1_232;

const QR = 0x8000;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const OPCODE = 0x7800;

/**
 * Reads a query with exactly one question.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function parseDnsQuery(bytes: Buffer): DnsQuery {
  const flags = readHeader(bytes);
  if ((flags & QR) !== 0 || bytes.readUInt16BE(4) !== 1) throw malformed('it does not have exactly one question');
  const reader = new Reader(bytes);
  // There is nothing before the first name that it could point to.
  const name = reader.name(0);
  const type = reader.uint16();
  const dnsClass = reader.uint16();
  const question = Buffer.from(bytes.subarray(HEADER_BYTES, reader.at));
  let udpPayload: number | undefined;
  for (let left = recordCount(bytes); left > 0 && udpPayload === undefined; left--) {
    const record = reader.record();
    if (record.type === TYPES['OPT']) udpPayload = Math.max(512, record.class);
  }
  return {
    id: bytes.readUInt16BE(0),
    opcode: (flags & OPCODE) >> 11,
    name,
    type: TYPE_NAMES.get(type) ?? `TYPE${type}`,
    class: CLASS_NAMES.get(dnsClass) ?? `CLASS${dnsClass}`,
    recursionDesired: (flags & RD) !== 0,
    udpPayload: udpPayload ?? 512,
    edns: udpPayload !== undefined,
    question,
  };
}

/** A question for records of one type. @throws TunneliteError `ERR_DNS_MALFORMED` if DNS cannot represent the name */
export function serializeDnsQuery(query: {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** Largest UDP answer accepted, in bytes, announced with EDNS. Default: none announced. */
  readonly udpPayload?: number | undefined;
}): Buffer {
  const { udpPayload } = query;
  return Buffer.concat([
    uint16s(query.id, RD, 1, 0, 0, udpPayload === undefined ? 0 : 1),
    nameBytes(query.name),
    uint16s(typeNumber(query.type), CLASSES['IN']!),
    ...(udpPayload === undefined ? [] : [Buffer.of(0), uint16s(TYPES['OPT']!, udpPayload, 0, 0, 0)]),
  ]);
}

/**
 * Builds the answer to a query. If it exceeds `maxBytes`, it has no records and the TC bit, so that the client repeats the query over TCP
 * (RFC 2181 §9).
 */
export function serializeDnsAnswer(
  query: DnsQuery,
  answer: {
    readonly rcode: DnsRcode;
    readonly records: readonly AnswerRecord[];
    readonly authoritative: boolean;
    /** The zone's SOA record, for a negative answer (RFC 2308 §2). */
    readonly authority?: readonly AnswerRecord[];
  },
  maxBytes: number,
): Buffer {
  let flags = QR | (query.opcode << 11) | RA | answer.rcode;
  if (answer.authoritative) flags |= AA;
  if (query.recursionDesired) flags |= RD;
  const records = answer.records.map(recordBytes);
  const opt = query.edns ? [Buffer.of(0), uint16s(TYPES['OPT']!, EDNS_UDP_BYTES, 0, 0, 0)] : [];
  const authority = (answer.authority ?? []).map(recordBytes);
  const build = (flags: number, records: readonly Buffer[], authority: readonly Buffer[]): Buffer =>
    Buffer.concat([
      uint16s(query.id, flags, 1, records.length, authority.length, query.edns ? 1 : 0),
      query.question,
      ...records,
      ...authority,
      ...opt,
    ]);
  const whole = build(flags, records, authority);
  return whole.length <= maxBytes ? whole : build(flags | TC, [], []);
}

/** The answer to bytes that are not a query: FORMERR with their apparent id; undefined if they are too short for one. */
export function formatError(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt16BE(2) & QR) !== 0) return undefined;
  return uint16s(bytes.readUInt16BE(0), QR | (bytes.readUInt16BE(2) & OPCODE) | DnsRcode.FormErr, 0, 0, 0, 0);
}

/**
 * Reads an answer and its records with addresses or names.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function parseDnsAnswer(bytes: Buffer): DnsAnswer {
  const flags = readHeader(bytes);
  if ((flags & QR) === 0) throw malformed('it is not an answer');
  const count = bytes.readUInt16BE(6);
  if (count > MAX_RECORDS) throw malformed(`it claims ${count} records`);
  const reader = new Reader(bytes);
  for (let left = bytes.readUInt16BE(4); left > 0; left--) {
    reader.skipName();
    reader.uint16();
    reader.uint16();
  }
  const records: DnsRecord[] = [];
  for (let left = count; left > 0; left--) {
    const record = reader.record();
    const data = record.class === CLASSES['IN'] ? dataText(bytes, record) : undefined;
    if (data === undefined) continue;
    const name = new Reader(bytes, record.at).name(MAX_POINTERS);
    records.push({ name, type: TYPE_NAMES.get(record.type)!, ttl: record.ttl, data });
  }
  return {
    id: bytes.readUInt16BE(0),
    rcode: (flags & 0x0f) as DnsRcode,
    truncated: (flags & TC) !== 0,
    records,
  };
}

function dataText(bytes: Buffer, { type, from, to }: RecordPlace): string | undefined {
  switch (type) {
    case TYPES['A']:
    case TYPES['AAAA']:
      if (to - from !== (type === TYPES['A'] ? 4 : 16)) throw malformed('an address has the wrong length');
      return addressText(bytes.subarray(from, to));
    case TYPES['CNAME']:
    case TYPES['PTR']:
      return new Reader(bytes, from).name(MAX_POINTERS);
    default:
      return undefined;
  }
}

/** Most records have the name of the question, which follows the header. */
const NAME_OF_QUESTION = 0xc000 | HEADER_BYTES;

function recordBytes({ name, type, ttl, data, wire }: AnswerRecord): Buffer {
  const bytes = wire?.data ?? dataBytes(type, data);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(typeNumber(type), 0);
  head.writeUInt16BE(CLASSES['IN']!, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(bytes.length, 8);
  const owner = wire?.owner ?? (name === undefined ? uint16s(NAME_OF_QUESTION) : nameBytes(name));
  return Buffer.concat([owner, head, bytes]);
}
