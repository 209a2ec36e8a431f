import { Duplex } from 'node:stream';
import type { ResourceShape } from '../faults/ports.ts';
import type { Clock, Timer } from '../lib/clock.ts';

/** Longest time that one piece of data occupies a line, in milliseconds: longer ones are split. Own choice. */
const PIECE_MS = 50;
/** Milliseconds between checks whether the last bytes before a reset have been sent, and until it is forced. Own choice. */
const LOOK_MS = 5;
const GIVE_UP_MS = 10_000;
/** Bytes to read ahead of the line. */
const AHEAD_BYTES = 16_384;

/** When the next piece of one direction can be sent. */
interface Line {
  free: number;
  due: number;
}

/**
 * A connection over a slow line, or one that is reset after a number of bytes: replaces the flow for a service or an upstream.
 * Nothing is lost; a sender that is faster than the line waits.
 */
export class ShapedStream extends Duplex {
  readonly #flow: Duplex;
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #pieceBytes: number;
  readonly #latency: () => number;
  readonly #in: Line = { free: 0, due: 0 };
  readonly #out: Line = { free: 0, due: 0 };
  readonly #timers = new Set<Timer>();
  readonly #resetAfter: number;
  readonly #sent: (() => number) | undefined;
  #left: number;
  /** Data from the client on the line. */
  #pending = 0;
  #ended = false;

  /** @param sent number of bytes actually sent to the client: a reset drops the rest */
  constructor(flow: Duplex, shape: ResourceShape, clock: Clock, sent?: () => number) {
    super({ allowHalfOpen: true, writableHighWaterMark: AHEAD_BYTES });
    const { kbps = Infinity, latency = () => 0, resetAfter = Infinity } = shape;
    this.#resetAfter = resetAfter;
    this.#sent = sent;
    this.#flow = flow;
    this.#clock = clock;
    this.#bytesPerMs = kbps / 8;
    this.#pieceBytes = Math.max(1, Math.min(0x7fffffff, Math.floor(this.#bytesPerMs * PIECE_MS)));
    this.#latency = latency;
    this.#left = resetAfter;
    flow.on('error', (error) => this.destroy(error));
    flow.once('close', () => this.#flowClosed());
    flow.on('end', () => this.#onEnd());
    flow.on('data', (chunk: Buffer) => this.#onData(chunk));
    if (resetAfter <= 0) queueMicrotask(() => this.#reset());
  }

  override _read(): void {
    if (this.#pending < AHEAD_BYTES) this.#flow.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const bytes = chunk.subarray(0, Math.min(chunk.length, this.#left));
    this.#left -= bytes.length;
    this.#put(bytes, () => {
      if (this.#left <= 0) this.#resetOnceSent(this.#clock.monotonic() + GIVE_UP_MS);
      else done();
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#flow.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
    this.#flow.destroy(error ?? undefined);
    done(error);
  }

  /** Puts bytes on the line to the client, piece by piece, and calls back when the last one was sent and there is room for more. */
  #put(bytes: Buffer, done: () => void): void {
    const piece = bytes.subarray(0, this.#pieceBytes);
    this.#after(this.#out, piece.length, () => {
      const room = piece.length === 0 || this.#flow.write(piece);
      const next = (): void => (piece.length < bytes.length ? this.#put(bytes.subarray(piece.length), done) : done());
      if (room) next();
      else this.#flow.once('drain', next);
    });
  }

  #onData(chunk: Buffer): void {
    this.#pending += chunk.length;
    if (this.#pending >= AHEAD_BYTES) this.#flow.pause();
    for (let at = 0; at < chunk.length; at += this.#pieceBytes) {
      const piece = chunk.subarray(at, at + this.#pieceBytes);
      this.#after(this.#in, piece.length, () => {
        this.#pending -= piece.length;
        if (this.push(piece) && this.#pending < AHEAD_BYTES) this.#flow.resume();
        this.#endWhenEmpty();
      });
    }
  }

  #onEnd(): void {
    this.#ended = true;
    this.#endWhenEmpty();
  }

  #endWhenEmpty(): void {
    if (!this.#ended || this.#pending > 0) return;
    this.#ended = false;
    this.push(null);
  }

  #flowClosed(): void {
    if (!this.#flow.readableEnded) this.destroy();
  }

  #after(line: Line, bytes: number, go: () => void): void {
    const now = this.#clock.monotonic();
    line.free = Math.max(line.free, now) + bytes / this.#bytesPerMs;
    line.due = Math.max(line.due, line.free + this.#latency());
    const wait = line.due - now;
    if (wait <= 0) {
      go();
      return;
    }
    this.#later(wait, go);
  }

  #later(wait: number, go: () => void): void {
    const timer = this.#clock.setTimer(wait, () => {
      this.#timers.delete(timer);
      go();
    });
    this.#timers.add(timer);
  }

  #resetOnceSent(latest: number): void {
    const sent = this.#sent?.() ?? this.#resetAfter;
    if (sent >= this.#resetAfter || this.#clock.monotonic() >= latest) this.#reset();
    else this.#later(LOOK_MS, () => this.#resetOnceSent(latest));
  }

  /** Sends the client a TCP reset. */
  #reset(): void {
    this.destroy(new Error('reset by a fault rule'));
  }
}
