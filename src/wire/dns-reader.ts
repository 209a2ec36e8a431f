import { MAX_LABEL_BYTES, MAX_NAME_BYTES, malformed } from './dns-data.ts';

/*
 * Reads DNS messages (RFC 1035 §4.1). The cost is bounded by the number of bytes received: a name follows a limited number of pointers, and
 * each points backward.
 */

export const HEADER_BYTES = 12;
/** Largest message (RFC 1035 §4.2.2). */
const MAX_BYTES = 65_535;
/** Maximum number of pointers in one name. Compression needs one; some servers chain a few. */
export const MAX_POINTERS = 16;
/** Bytes of the smallest record: root name, type, class, time to live, length. */
const RECORD_BYTES = 11;
const ROOT = Buffer.of(0);

/** Positions of the parts of a record. */
export interface RecordPlace {
  /** Start of its name. */
  readonly at: number;
  readonly type: number;
  readonly class: number;
  readonly ttl: number;
  /** Start of its data. */
  readonly from: number;
  readonly to: number;
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

/** A label with its length byte, which is below all letters. */
const lowerCase = (label: Buffer): Buffer =>
  Buffer.from(label.map((byte) => (byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte)));

/** Reads a message from a given position. */
export class Reader {
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

  /** Reads the name at the current position, in lower case. A pointer must point backward, so that no name loops. */
  name(pointers: number): string {
    const labels: string[] = [];
    this.#labels(pointers, (from, to) => labels.push(labelText(this.#bytes, from, to)));
    return labels.join('.');
  }

  /** Like `name`, but uncompressed in wire format and in the original case; labels that lie before the given position are in lower case. */
  wireName(pointers: number, before: number): Buffer {
    const parts: Buffer[] = [];
    this.#labels(pointers, (from, to) => {
      const label = this.#bytes.subarray(from - 1, to);
      parts.push(from < before ? lowerCase(label) : label);
    });
    return Buffer.concat([...parts, ROOT]);
  }

  #labels(pointers: number, onLabel: (from: number, to: number) => void): void {
    const bytes = this.#bytes;
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
        onLabel(at + 1, at + 1 + size);
        at += size + 1;
        continue;
      }
      const target = at + 2 > bytes.length ? -1 : bytes.readUInt16BE(at) & 0x3fff;
      if (size < 0xc0 || target < HEADER_BYTES || target >= start || pointers-- <= 0)
        throw malformed('a name has an invalid pointer');
      end ??= at + 2;
      at = target;
      start = target;
    }
    this.at = end ?? at + 1;
  }

  /** Skips a name without following its pointers. */
  skipName(): void {
    for (;;) {
      this.#need(1);
      const size = this.#bytes[this.at]!;
      if (size === 0 || size >= 0xc0) {
        this.at += size === 0 ? 1 : 2;
        return;
      }
      if (size > MAX_LABEL_BYTES) throw malformed('a name has a label of unknown type');
      this.at += size + 1;
    }
  }

  /** Skips a record. */
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

/** The flags of a message with a complete header. */
export function readHeader(bytes: Buffer): number {
  if (bytes.length < HEADER_BYTES || bytes.length > MAX_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  return bytes.readUInt16BE(2);
}

/** Number of records in all sections, according to the header. */
export function recordCount(bytes: Buffer): number {
  return bytes.readUInt16BE(6) + bytes.readUInt16BE(8) + bytes.readUInt16BE(10);
}
