import { HANDSHAKE_HEADER_LENGTH, REASSEMBLY_WINDOW } from '../constants.ts';
import { type HandshakeHeader, writeHandshakeHeader } from './handshake-message.ts';

/** A handshake message put together again. */
export interface CompleteMessage {
  readonly type: number;
  readonly epoch: number;
  /** Unfragmented header and body, a copy. */
  readonly raw: Buffer;
}

interface Partial {
  readonly type: number;
  readonly epoch: number;
  readonly raw: Buffer;
  /** One byte per byte of the body that has come. */
  readonly seen: Uint8Array;
  missing: number;
}

/**
 * Puts fragments in order and together (RFC 6347 §4.2.2, §4.2.3). Keeps at most REASSEMBLY_WINDOW messages, of at most
 * `maxMessage` bytes together with what they announce, and drops what contradicts an earlier fragment.
 */
export class Reassembly {
  /** message_seq of the message to be handed out next. */
  next: number;
  readonly #maxBytes: number;
  readonly #partial = new Map<number, Partial>();
  #bytes = 0;

  constructor(next: number, maxBytes: number) {
    this.next = next;
    this.#maxBytes = maxBytes;
  }

  /** Takes one fragment, whose body begins at `buffer[at]`. False when it was of no use. */
  add(header: HandshakeHeader, epoch: number, buffer: Buffer, at: number): boolean {
    const { type, length, sequence, fragmentOffset, fragmentLength } = header;
    if (sequence < this.next || sequence >= this.next + REASSEMBLY_WINDOW) return false;
    let entry = this.#partial.get(sequence);
    if (!entry) {
      // The next message in order always has room; others only share what is left.
      const bytes = sequence === this.next ? length : this.#bytes + length;
      if (bytes > this.#maxBytes) return false;
      const raw = Buffer.alloc(HANDSHAKE_HEADER_LENGTH + length);
      writeHandshakeHeader(raw, type, length, sequence, 0, length);
      entry = { type, epoch, raw, seen: new Uint8Array(length), missing: length };
      this.#partial.set(sequence, entry);
      this.#bytes += length;
    }
    if (entry.type !== type || entry.epoch !== epoch || entry.seen.length !== length) return false;
    const { raw, seen } = entry;
    for (let i = 0; i < fragmentLength; i++) {
      const to = fragmentOffset + i;
      if (seen[to] === 1) continue;
      seen[to] = 1;
      entry.missing--;
      raw[HANDSHAKE_HEADER_LENGTH + to] = buffer[at + i]!;
    }
    return true;
  }

  /** The next message in order, if it is complete; it is handed out once. */
  take(): CompleteMessage | undefined {
    const entry = this.#partial.get(this.next);
    if (!entry || entry.missing > 0) return undefined;
    this.#partial.delete(this.next);
    this.#bytes -= entry.seen.length;
    this.next++;
    return entry;
  }
}
