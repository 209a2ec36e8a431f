import { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { LINGER_MS } from './constants.ts';

/**
 * Ends a connection so that its client reads why: what else it sends is taken for a while and thrown away, since a connection with unread bytes
 * would be reset, and the answer be lost with it (RFC 9112 §9.6).
 */
export function endReadably(stream: Duplex, clock: Clock): void {
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
  const limit = patience(clock, LINGER_MS, () => stream.destroy());
  stream.once('close', () => limit.cancel());
}

/**
 * The stream below a TLS server. Node destroys it in the turn in which it writes the alert that refuses a client, which would be a reset;
 * until the handshake is complete this one ends it readably instead, as it does when the server has come to its end.
 */
export class HandshakeStream extends Duplex {
  readonly #below: Duplex;
  readonly #clock: Clock;
  #secured = false;

  constructor(below: Duplex, clock: Clock) {
    super({ allowHalfOpen: true });
    this.#below = below;
    this.#clock = clock;
    below.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) below.pause();
    });
    below.once('end', () => this.push(null));
    below.once('close', () => this.destroy());
    below.pause();
  }

  /** The handshake is complete: from now on whoever destroys this before its end means it. */
  secured(): void {
    this.#secured = true;
  }

  override _read(): void {
    this.#below.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#below.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#below.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    // A client answers the end of TLS with its own (RFC 8446 §6.1), which would find nobody, and be reset.
    const whole = error === null && this.writableFinished;
    if (this.#secured && !whole) this.#below.destroy(error ?? undefined);
    else endReadably(this.#below, this.#clock);
    done(error);
  }
}
