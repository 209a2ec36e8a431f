import * as dnsPacket from 'dns-packet';
import { TunneliteError } from '../lib/errors.ts';

/** Response codes (RFC 1035 §4.1.1). */
export const DnsRcode = { NoError: 0, FormErr: 1, ServFail: 2, NxDomain: 3, NotImp: 4, Refused: 5 } as const;
export type DnsRcode = (typeof DnsRcode)[keyof typeof DnsRcode];

/** A question that a resolver has to answer. */
export interface DnsQuery {
  readonly id: number;
  /** Lower-case, without the final dot; empty for the root. */
  readonly name: string;
  /** Mnemonic such as `A`, `AAAA`, `PTR`. */
  readonly type: string;
  readonly recursionDesired: boolean;
  /** Largest UDP answer that the client takes, in bytes: 512 without EDNS (RFC 6891 §6.2.3). */
  readonly udpPayload: number;
  readonly edns: boolean;
}

/** One record of an answer. `data` is the address for A and AAAA, the name for PTR and CNAME. */
export interface DnsRecord {
  readonly name: string;
  readonly type: string;
  readonly ttl: number;
  readonly data: string;
}

export interface DnsAnswer {
  readonly id: number;
  readonly rcode: DnsRcode;
  readonly truncated: boolean;
  readonly records: readonly DnsRecord[];
}

/** Smallest message: a header. */
const HEADER_BYTES = 12;
/** Largest message that is decoded (RFC 1035 §4.2.2). */
const MAX_BYTES = 65_535;
/** Records that are decoded of one answer; compression pointers make more of few bytes. */
const MAX_RECORDS = 256;
const EDNS_UDP_BYTES = 1_232;
const QR_FLAG = 0x8000;

/**
 * Reads a query with exactly one question.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function parseDnsQuery(bytes: Buffer): DnsQuery {
  const packet = decode(bytes);
  if (packet.type !== 'query' || packet.questions?.length !== 1) throw malformed('it is not one question');
  const question = packet.questions[0]!;
  const opt = packet.additionals?.find((record) => record.type === 'OPT');
  return {
    id: packet.id ?? 0,
    name: question.name === '.' ? '' : question.name.toLowerCase(),
    type: question.type,
    recursionDesired: ((packet.flags ?? 0) & dnsPacket.RECURSION_DESIRED) !== 0,
    udpPayload: opt ? Math.max(512, opt.udpPayloadSize ?? 512) : 512,
    edns: opt !== undefined,
  };
}

export function serializeDnsQuery(query: {
  readonly id: number;
  readonly name: string;
  readonly type: string;
}): Buffer {
  return dnsPacket.encode({
    id: query.id,
    type: 'query',
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: query.name, type: query.type }],
  });
}

/**
 * Builds the answer to a query. One that is longer than `maxBytes` goes without records and with the TC bit,
 * so that the client asks again over TCP (RFC 2181 §9).
 */
export function serializeDnsAnswer(
  query: DnsQuery,
  answer: { readonly rcode: DnsRcode; readonly records: readonly DnsRecord[]; readonly authoritative: boolean },
  maxBytes: number,
): Buffer {
  const build = (records: readonly DnsRecord[], extraFlags: number): Buffer => {
    let flags = dnsPacket.RECURSION_AVAILABLE | extraFlags | answer.rcode;
    if (answer.authoritative) flags |= dnsPacket.AUTHORITATIVE_ANSWER;
    if (query.recursionDesired) flags |= dnsPacket.RECURSION_DESIRED;
    return dnsPacket.encode({
      id: query.id,
      type: 'response',
      flags,
      questions: [{ name: query.name || '.', type: query.type }],
      answers: records.map((record) => ({ ...record })),
      additionals: query.edns
        ? [{ name: '.', type: 'OPT', udpPayloadSize: EDNS_UDP_BYTES, flags: 0, options: [] }]
        : [],
    });
  };
  const whole = build(answer.records, 0);
  return whole.length <= maxBytes ? whole : build([], dnsPacket.TRUNCATED_RESPONSE);
}

/** An answer to bytes that are no query: FORMERR with the id that they seem to have; undefined when not even that is there. */
export function formatError(bytes: Buffer): Buffer | undefined {
  if (bytes.length < HEADER_BYTES || (bytes.readUInt16BE(2) & QR_FLAG) !== 0) return undefined;
  const answer = Buffer.alloc(HEADER_BYTES);
  answer.writeUInt16BE(bytes.readUInt16BE(0), 0);
  answer.writeUInt16BE(QR_FLAG | DnsRcode.FormErr, 2);
  return answer;
}

/**
 * Reads an answer.
 * @throws TunneliteError `ERR_DNS_MALFORMED`
 */
export function parseDnsAnswer(bytes: Buffer): DnsAnswer {
  const packet = decode(bytes);
  if (packet.type !== 'response') throw malformed('it is not an answer');
  const records: DnsRecord[] = [];
  for (const record of packet.answers ?? []) {
    if (typeof record.data !== 'string') continue;
    records.push({ name: record.name.toLowerCase(), type: record.type, ttl: record.ttl ?? 0, data: record.data });
  }
  return {
    id: packet.id ?? 0,
    rcode: (bytes[3]! & 0x0f) as DnsRcode,
    truncated: ((packet.flags ?? 0) & dnsPacket.TRUNCATED_RESPONSE) !== 0,
    records,
  };
}

function decode(bytes: Buffer): dnsPacket.Packet {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  const counts = bytes.readUInt16BE(4) + bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
  if (counts > MAX_RECORDS) throw malformed(`it claims ${counts} records`);
  try {
    return dnsPacket.decode(bytes);
  } catch (error) {
    throw malformed('it cannot be decoded', error);
  }
}

function malformed(detail: string, cause?: unknown): TunneliteError {
  return new TunneliteError(
    'ERR_DNS_MALFORMED',
    `A DNS message is malformed: ${detail}.`,
    cause === undefined ? {} : { cause },
  );
}
