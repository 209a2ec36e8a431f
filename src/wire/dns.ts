import { addressText } from '../lib/ip-address.ts';
import { dataBytes, MAX_LABEL_BYTES, MAX_NAME_BYTES, malformed, nameBytes, uint16s } from './dns-data.ts';

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
}

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: DnsRcode;
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

const HEADER_BYTES = 12;
/** Largest message (RFC 1035 §4.2.2). */
const MAX_BYTES = 65_535;
/** Records that are read of one answer; those that we ask for have a few. */
const MAX_RECORDS = 256;
/** Pointers that one name may go through. Compression needs one; some servers chain a few. */
const MAX_POINTERS = 16;
/** Bytes of the smallest record: root name, type, class, time to live, length. */
const RECORD_BYTES = 11;
const EDNS_UDP_BYTES = 1_232;

const QR = 0x8000;
const AA = 0x0400;
const TC = 0x0200;
const RD = 0x0100;
const RA = 0x0080;
const OPCODE = 0x7800;

const TYPES: Readonly<Record<string, number>> = {
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
const CLASSES: Readonly<Record<string, number>> = { IN: 1, CH: 3, HS: 4, NONE: 254, ANY: 255 };
const mnemonics = (table: Readonly<Record<string, number>>): Map<number, string> =>
  new Map(Object.entries(table).map(([name, number]) => [number, name]));
const TYPE_NAMES = mnemonics(TYPES);
const CLASS_NAMES = mnemonics(CLASSES);

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
}): Buffer {
  return Buffer.concat([
    uint16s(query.id, RD, 1, 0, 0, 0),
    nameBytes(query.name),
    uint16s(typeNumber(query.type), CLASSES['IN']!),
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

interface RecordPlace {
  /** Where its name begins. */
  readonly at: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Where its data are. */
  readonly from: number;
  readonly to: number;
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

function recordBytes({ name, type, ttl, data }: AnswerRecord): Buffer {
  const bytes = dataBytes(type, data);
  const head = Buffer.alloc(10);
  head.writeUInt16BE(typeNumber(type), 0);
  head.writeUInt16BE(CLASSES['IN']!, 2);
  head.writeUInt32BE(ttl, 4);
  head.writeUInt16BE(bytes.length, 8);
  return Buffer.concat([name === undefined ? uint16s(NAME_OF_QUESTION) : nameBytes(name), head, bytes]);
}

function typeNumber(type: string): number {
  const number = TYPES[type] ?? Number(/^TYPE(\d{1,5})$/.exec(type)?.[1]);
  if (!(number <= 0xffff)) throw malformed(`${type} is no type of records`);
  return number;
}

/** The text of one label, in lower case. */
function labelText(bytes: Buffer, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to; i++) {
    const byte = bytes[i]!;
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x2e && byte !== 0x5c;
    text += plain ? String.fromCharCode(byte) : `\\${String(byte).padStart(3, '0')}`;
  }
  return text.toLowerCase();
}

/** Reads from a place in a message onwards. */
class Reader {
  at: number;
  readonly #bytes: Buffer;

  constructor(bytes: Buffer, at = HEADER_BYTES) {
    this.#bytes = bytes;
    this.at = at;
  }

  uint16(): number {
    this.#need(2);
    this.at += 2;
    return this.#bytes.readUInt16BE(this.at - 2);
  }

  /** The name that begins here; reading goes on after it. A pointer has to lead further back, so that no name turns in circles. */
  name(pointers: number): string {
    const bytes = this.#bytes;
    const labels: string[] = [];
    let at = this.at;
    let start = at;
    let length = 1;
    let end: number | undefined;
    for (;;) {
      if (at >= bytes.length) throw malformed('a name is cut off');
      const size = bytes[at]!;
      if (size === 0) break;
      if (size <= MAX_LABEL_BYTES) {
        length += size + 1;
        if (length > MAX_NAME_BYTES || at + 1 + size > bytes.length) throw malformed('a name is cut off or too long');
        labels.push(labelText(bytes, at + 1, at + 1 + size));
        at += size + 1;
        continue;
      }
      const target = at + 2 > bytes.length ? -1 : bytes.readUInt16BE(at) & 0x3fff;
      if (size < 0xc0 || target < HEADER_BYTES || target >= start || pointers-- <= 0)
        throw malformed('a name points nowhere');
      end ??= at + 2;
      at = target;
      start = target;
    }
    this.at = end ?? at + 1;
    return labels.join('.');
  }

  /** Steps over a name without a look at where it points. */
  skipName(): void {
    for (;;) {
      this.#need(1);
      const size = this.#bytes[this.at]!;
      if (size === 0 || size >= 0xc0) {
        this.at += size === 0 ? 1 : 2;
        return;
      }
      if (size > MAX_LABEL_BYTES) throw malformed('a name has a label of no known kind');
      this.at += size + 1;
    }
  }

  /** Steps over a record. */
  record(): RecordPlace {
    const at = this.at;
    this.skipName();
    this.#need(RECORD_BYTES - 1);
    const bytes = this.#bytes;
    const head = this.at;
    const from = head + RECORD_BYTES - 1;
    const to = from + bytes.readUInt16BE(head + 8);
    if (to > bytes.length) throw malformed('a record is cut off');
    this.at = to;
    return {
      at,
      type: bytes.readUInt16BE(head),
      class: bytes.readUInt16BE(head + 2),
      ttl: bytes.readUInt32BE(head + 4),
      from,
      to,
    };
  }

  #need(count: number): void {
    if (this.at + count > this.#bytes.length) throw malformed('it is cut off');
  }
}

/** The flags of a message that has a whole header. */
function readHeader(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  return bytes.readUInt16BE(2);
}

/** How many records the header claims, of all sections. */
function recordCount(bytes: Buffer): number {
  return bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
}
