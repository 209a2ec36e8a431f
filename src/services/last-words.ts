import { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { LINGER_MS } from './constants.ts';

/**
 * Ends a connection so that its client can read the reason: discards further input for a while, because a connection with unread bytes
 * would be reset and the response lost (RFC 9112 §9.6).
 */
export function endReadably(stream: Duplex, clock: Clock): void {
  if (stream.destroyed) return;
  stream.end();
  stream.resume();
  const limit = patience(clock, LINGER_MS, () => stream.destroy());
  stream.once('close', () => limit.cancel());
}

/**
 * The stream below a TLS server. Node destroys it in the same turn as it writes the alert that refuses a client, which would cause a reset;
 * until the handshake is complete, this stream closes gracefully instead, as it does when the server has finished.
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

  /** The handshake is complete: destroying this stream is intentional from now on. */
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
    // A client answers the TLS close with its own (RFC 8446 §6.1), which would cause a reset.
    const whole = error === null && this.writableFinished;
    if (this.#secured && !whole) this.#below.destroy(error ?? undefined);
    else endReadably(this.#below, this.#clock);
    done(error);
  }
}
