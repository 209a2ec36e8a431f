import { addressText } from '../lib/ip-address.ts';
import { dataBytes, malformed, nameBytes, uint16s } from './dns-data.ts';
import { HEADER_BYTES, MAX_POINTERS, Reader, type RecordPlace, readHeader, recordCount } from './dns-reader.ts';
import { CLASS_NAMES, CLASSES, TYPE_NAMES, TYPES, typeNumber } from './dns-types.ts';

/*
 * DNS messages (RFC 1035, RFC 6891): what a resolver and a client of addresses need. Reading costs no more than was received: records of
 * no interest are stepped over, and a name follows only so many pointers.
 */

/** Response codes (RFC 1035 §4.1.1). */
export const DnsRcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4, Refused: 5 } as const;
export type DnsRcode = (typeof DnsRcode)[keyof typeof DnsRcode];

/** A question that a resolver has to answer. */
export interface DnsQuery {
  readonly id: number;
  /** 0 is a standard query (RFC 1035 §4.1.1). */
  readonly opcode: number;
  /** Lower-case, without the final dot; empty for the root. Bytes that are no plain letters are written as `\ddd` (RFC 4343 §2.1). */
  readonly name: string;
  /** Mnemonic such as `A`, `AAAA`, `PTR`; `TYPE1234` for types without one here (RFC 3597 §5). */
  readonly type: string;
  /** Mnemonic such as `IN`, `CH`, `ANY`; `CLASS1234` without one. */
  readonly class: string;
  readonly recursionDesired: boolean;
  /** Largest UDP answer that the client takes, in bytes: 512 without EDNS (RFC 6891 §6.2.3). */
  readonly udpPayload: number;
  readonly edns: boolean;
  /**
   * The question as it came. It goes back like that: clients mix upper and lower case as a further secret against forged answers
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

/** A record to send; without a name it is of the one that was asked for. `data` as in a zone file, a text without quotes. */
export interface AnswerRecord extends Omit<DnsRecord, 'name'> {
  readonly name?: string | undefined;
  /** What goes instead of name and data: as DNS carries them. */
  readonly wire?: { readonly owner: Buffer | undefined; readonly data: Buffer } | undefined;
}

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: DnsRcode;
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

/** Records that are read of one answer; those that we ask for have a few. */
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
  if ((flags & QR) !== 0 || bytes.readUInt16BE(4) !== 1) throw malformed('it is not one question');
  const reader = new Reader(bytes);
  // Before the first name is nothing that it could point at.
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

/** A question for records of one type. @throws TunneliteError `ERR_DNS_MALFORMED` for a name that DNS cannot carry */
export function serializeDnsQuery(query: {
  readonly id: number;
  readonly name: string;
  readonly type: string;
  /** Largest UDP answer that is taken, in bytes, told by EDNS. Default: nothing is told. */
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
 * Builds the answer to a query. One that is longer than `maxBytes` goes without records
 * and with the TC bit, so that the client asks again over TCP (RFC 2181 §9).
 */
export function serializeDnsAnswer(
  query: DnsQuery,
  answer: {
    readonly rcode: DnsRcode;
    readonly records: readonly AnswerRecord[];
    readonly authoritative: boolean;
    /** Of the zone, in an answer that says no (RFC 2308 §2). */
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

/** An answer to bytes that are no query: FORMERR with the id that they seem to have; undefined when not even that is there. */
export function formatError(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt16BE(2) & QR) !== 0) return undefined;
  return uint16s(bytes.readUInt16BE(0), QR | (bytes.readUInt16BE(2) & OPCODE) | DnsRcode.FormErr, 0, 0, 0, 0);
}

/**
 * Reads an answer; of its records those with addresses or names.
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

/** The name of most records is the one of the question, which stands after the header. */
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
