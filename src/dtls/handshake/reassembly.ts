import { HANDSHAKE_HEADER_LENGTH, REASSEMBLY_WINDOW } from '../protocol/constants.ts';
import { type HandshakeHeader, writeHandshakeHeader } from './handshake-message.ts';

/** A reassembled handshake message. */
interface CompleteMessage {
  readonly type: number;
  readonly epoch: number;
  /** Unfragmented header and body, a copy. */
  readonly raw: Buffer;
}

/**
 * Page size in bytes. Only received bytes use memory, whatever length the header announces: a fragment of one byte, 26 on the wire with its
 * headers, uses a page.
 */
const PAGE = 64;

interface Partial {
  readonly type: number;
  readonly epoch: number;
  readonly length: number;
  /** PAGE bytes of the body, then a flag for each received byte; by page number. */
  readonly pages: Map<number, Uint8Array>;
  missing: number;
  /** A message in one piece needs no pages. */
  whole: Buffer | undefined;
}

/**
 * Orders and reassembles fragments (RFC 6347 §4.2.2, §4.2.3). Keeps at most REASSEMBLY_WINDOW messages, with a total announced length of at
 * most `maxMessage` bytes, and drops fragments that contradict an earlier one. Time and memory are proportional to the bytes received.
 */
export class Reassembly {
  /** message_seq of the next message to return. */
  next: number;
  readonly #maxBytes: number;
  readonly #partial = new Map<number, Partial>();
  #bytes = 0;

  constructor(next: number, maxBytes: number) {
    this.next = next;
    this.#maxBytes = maxBytes;
  }

  /** Bytes of memory that pending messages use. */
  get held(): number {
    let held = 0;
    for (const { pages, whole } of this.#partial.values()) held += pages.size * 2 * PAGE + (whole?.length ?? 0);
    return held;
  }

  /** Whether a part of the next message has been received. */
  get begun(): boolean {
    return this.#partial.has(this.next);
  }

  /** Whether a later message has been received. */
  get ahead(): boolean {
    return this.#partial.size > (this.begun ? 1 : 0);
  }

  /** Processes one fragment, whose body begins at `buffer[at]`. False if it was useless. */
  add(header: HandshakeHeader, epoch: number, buffer: Buffer, at: number): boolean {
    const { type, length, sequence, fragmentOffset, fragmentLength } = header;
    if (sequence < this.next || sequence >= this.next + REASSEMBLY_WINDOW) return false;
    let entry = this.#partial.get(sequence);
    if (!entry) {
      // The next message in order always has space; others share the rest.
      const bytes = sequence === this.next ? length : this.#bytes + length;
      if (bytes > this.#maxBytes) return false;
      entry = { type, epoch, length, pages: new Map(), missing: length, whole: undefined };
      this.#partial.set(sequence, entry);
      this.#bytes += length;
    }
    if (entry.type !== type || entry.epoch !== epoch || entry.length !== length) return false;
    if (entry.missing === 0) return true;
    if (fragmentLength === length) {
      entry.whole = Buffer.from(buffer.subarray(at, at + length));
      entry.missing = 0;
      entry.pages.clear();
      return true;
    }
    write(entry, fragmentOffset, buffer, at, fragmentLength);
    return true;
  }

  /** The next message in order, if it is complete; it is returned once. */
  take(): CompleteMessage | undefined {
    const entry = this.#partial.get(this.next);
    if (!entry || entry.missing > 0) return undefined;
    const { type, epoch, length, pages, whole } = entry;
    const raw = Buffer.allocUnsafe(HANDSHAKE_HEADER_LENGTH + length);
    writeHandshakeHeader(raw, type, length, this.next, 0, length);
    if (whole) raw.set(whole, HANDSHAKE_HEADER_LENGTH);
    for (const [index, page] of pages) {
      const from = index * PAGE;
      raw.set(page.subarray(0, Math.min(PAGE, length - from)), HANDSHAKE_HEADER_LENGTH + from);
    }
    this.#partial.delete(this.next);
    this.#bytes -= length;
    this.next++;
    return { type, epoch, raw };
  }
}

/** Writes a fragment into the pages; of repeated bytes, the first ones are kept. */
function write(entry: Partial, fragmentOffset: number, buffer: Buffer, at: number, fragmentLength: number): void {
  const end = fragmentOffset + fragmentLength;
  for (let to = fragmentOffset; to < end; ) {
    const index = Math.floor(to / PAGE);
    let page = entry.pages.get(index);
    if (!page) entry.pages.set(index, (page = new Uint8Array(2 * PAGE)));
    for (const stop = Math.min(end, (index + 1) * PAGE); to < stop; to++) {
      const place = to % PAGE;
      if (page[PAGE + place] === 1) continue;
      page[PAGE + place] = 1;
      page[place] = buffer[at + to - fragmentOffset]!;
      entry.missing--;
    }
  }
}
