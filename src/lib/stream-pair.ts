import { Duplex } from 'node:stream';

/** Bytes that one end may send before the other reads them. */
const WINDOW = 64 * 1024;

/**
 * One end of a connection within the process. When one side ends, the other can read the rest (half-close). When one is destroyed before
 * both directions are complete, the other fails, so that truncated data does not look complete.
 */
export class PairedStream extends Duplex {
  /** Number of bytes that this end sent. */
  sent = 0;
  #peer: PairedStream | undefined;
  #proceed: (() => void) | undefined;

  constructor() {
    super({ allowHalfOpen: true, readableHighWaterMark: WINDOW, writableHighWaterMark: WINDOW });
  }

  /** Both ends of a new connection. */
  static pair(): [PairedStream, PairedStream] {
    const [one, other] = [new PairedStream(), new PairedStream()];
    one.#peer = other;
    other.#peer = one;
    return [one, other];
  }

  override _read(): void {
    if (this.#peer) this.#peer.#go();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const peer = this.#peer;
    // The other side is closed, and this one will be notified.
    if (peer === undefined || peer.destroyed) return;
    this.sent += chunk.length;
    if (peer.push(chunk)) done();
    else this.#proceed = done;
  }

  override _final(done: () => void): void {
    this.#peer?.push(null);
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const peer = this.#peer;
    this.#peer = undefined;
    this.#proceed = undefined;
    const whole = this.readableEnded && this.writableFinished;
    if (peer && !peer.destroyed && !whole) {
      const cause = error ?? Object.assign(new Error('The other side aborted the connection.'), { code: 'ECONNRESET' });
      // Not within the call that destroys this end.
      process.nextTick(() => peer.destroy(cause));
    }
    done(error);
  }

  #go(): void {
    const proceed = this.#proceed;
    this.#proceed = undefined;
    proceed?.();
  }
}

/** Connects two streams in both directions until both have ended; an error of one destroys the other. */
export function joinStreams(one: Duplex, other: Duplex): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.on('error', () => {});
    from.once('close', () => {
      if (!from.readableEnded || !from.writableFinished) to.destroy();
    });
    // Its end was told before anybody listened.
    if (from.destroyed) to.destroy();
    else from.pipe(to);
  }
}
