import type { DatagramMemory } from '../../udp/datagram-memory.ts';
import {
  CONTENT_TYPE,
  HANDSHAKE_HEADER_LENGTH,
  RETRANSMIT_TIMEOUT_MAX_MS,
  SMALL_MTU,
  TIMEOUTS_BEFORE_SMALL_MTU,
} from '../protocol/constants.ts';
import type { RecordLayer } from '../record/record-layer.ts';
import { writeHandshakeHeader } from './handshake-message.ts';
import { messageTitle } from './handshake-states.ts';

interface FlightItem {
  readonly type: number;
  readonly epoch: 0 | 1;
  /** A handshake message with its header, or the body of a ChangeCipherSpec. */
  readonly data: Buffer;
}

/** Sends what was written to the reserved space of the memory. */
type Transmit = (length: number) => void;

/**
 * The messages that one side sends before it waits for the other (RFC 6347 §4.2.4), and the time to repeat them. A
 * repetition has new record sequence numbers but the same messages: their message_seq is part of the transcript.
 */
export class Flight {
  readonly #items: FlightItem[] = [];
  readonly #initialTimeout: number;
  #timeout: number;
  #timeouts = 0;
  /** When to repeat; Infinity while no answer is expected. */
  deadline = Number.POSITIVE_INFINITY;
  /** When it was last sent. */
  sentAt = Number.NEGATIVE_INFINITY;

  constructor(timeout: number) {
    this.#initialTimeout = timeout;
    this.#timeout = timeout;
  }

  get empty(): boolean {
    return this.#items.length === 0;
  }

  /** Names of its messages. */
  get messages(): string[] {
    return this.#items.map(({ type, data }) =>
      type === CONTENT_TYPE.handshake ? messageTitle(data[0]!) : 'ChangeCipherSpec',
    );
  }

  push(type: number, epoch: 0 | 1, data: Buffer): void {
    this.#items.push({ type, epoch, data });
  }

  /** The other side has answered: drops the messages and starts a new flight. */
  clear(): void {
    this.#items.length = 0;
    this.#timeout = this.#initialTimeout;
    this.#timeouts = 0;
    this.deadline = Number.POSITIVE_INFINITY;
    this.sentAt = Number.NEGATIVE_INFINITY;
  }

  /** The timer fired: waits longer next time, and uses smaller datagrams if large ones seem to be lost. */
  backOff(): void {
    this.#timeouts++;
    this.#timeout = Math.min(this.#timeout * 2, RETRANSMIT_TIMEOUT_MAX_MS);
  }

  /** Sends every message, as many in each datagram as fit. `await`: an answer is expected, so start the timer. */
  send(
    records: RecordLayer,
    memory: DatagramMemory,
    mtu: number,
    transmit: Transmit,
    now: number,
    awaits: boolean,
  ): void {
    const limit = this.#timeouts >= TIMEOUTS_BEFORE_SMALL_MTU ? Math.min(mtu, SMALL_MTU) : mtu;
    let used = 0;
    const flush = (): void => {
      if (used > 0) transmit(used);
      used = 0;
    };
    const write = (item: FlightItem, data: Buffer): void => {
      if (records.exhausted(item.epoch)) return;
      if (used === 0) memory.reserve(limit);
      used += records.write(memory.buffer, memory.offset + used, item.type, item.epoch, data, 0, data.length);
    };
    for (const item of this.#items) {
      const overhead = records.overhead(item.epoch);
      if (used + overhead + item.data.length <= limit) {
        write(item, item.data);
        continue;
      }
      if (item.type !== CONTENT_TYPE.handshake || overhead + item.data.length <= limit) {
        flush();
        write(item, item.data);
        continue;
      }
      for (const fragment of fragments(item.data, limit - overhead, limit - overhead - used)) {
        if (used + overhead + fragment.length > limit) flush();
        write(item, fragment);
      }
    }
    flush();
    this.sentAt = now;
    this.deadline = awaits ? now + this.#timeout : Number.POSITIVE_INFINITY;
  }
}

/** Smallest fragment of a message worth adding to the rest of a datagram, in bytes. */
const MIN_FRAGMENT = 32;

/** Splits a message into fragments of at most `size` bytes with header; the first fits into `first` bytes if that is worthwhile. */
function* fragments(message: Buffer, size: number, first: number): Generator<Buffer> {
  const length = message.length - HANDSHAKE_HEADER_LENGTH;
  let room = (first >= HANDSHAKE_HEADER_LENGTH + MIN_FRAGMENT ? first : size) - HANDSHAKE_HEADER_LENGTH;
  for (let at = 0; at < length; ) {
    const take = Math.min(room, length - at);
    const out = Buffer.allocUnsafe(HANDSHAKE_HEADER_LENGTH + take);
    writeHandshakeHeader(out, message[0]!, length, message.readUInt16BE(4), at, take);
    message.copy(out, HANDSHAKE_HEADER_LENGTH, HANDSHAKE_HEADER_LENGTH + at, HANDSHAKE_HEADER_LENGTH + at + take);
    yield out;
    at += take;
    room = size - HANDSHAKE_HEADER_LENGTH;
  }
}
