import type { TunnelClient } from '../../client/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { patternChunk } from '../../services/pattern.ts';

/** Bytes per second that the server sends, and bytes of the whole file: more than the demo waits for. */
const RATE = 1_000_000;
const SIZE = 1_000_000_000;

/** Time without a byte after which it counts as broken, in milliseconds. */
const SILENCE_MS = 30_000;

/** The progress of a download. */
export interface Progress {
  readonly bytes: number;
  /** Longest time without a byte, in milliseconds. */
  readonly longestPause: number;
  /** Position of the first incorrect byte; undefined: all are correct. */
  readonly wrongAt: number | undefined;
}

/** A download through the tunnel that continues until it is ended; every byte is verified. */
export class Download {
  readonly #client: TunnelClient;
  readonly #end = new AbortController();
  #bytes = 0;
  #longestPause = 0;
  #wrongAt: number | undefined;
  #last = 0;
  #broken: Error | undefined;
  #wake: (() => void)[] = [];

  constructor(client: TunnelClient) {
    this.#client = client;
  }

  /** Starts. Resolves with the first bytes. @throws TunneliteError `ERR_CLIENT_FETCH` */
  async begin(): Promise<void> {
    const [{ request }, dispatcher] = await Promise.all([import('undici'), this.#client.dispatcher()]);
    const { body, statusCode } = await request(`http://files.contoso.internal/slow/${SIZE}?rate=${RATE}`, {
      dispatcher,
      signal: this.#end.signal,
      headersTimeout: SILENCE_MS,
      bodyTimeout: SILENCE_MS,
    });
    if (statusCode !== 200) throw new TunneliteError('ERR_CLIENT_FETCH', `The download got status ${statusCode}.`);
    this.#last = systemClock.monotonic();
    body.on('data', (chunk: Buffer) => this.#take(chunk));
    body.on('error', (error: Error) => this.#fail(error));
    body.on('end', () => this.#fail(new Error('the server ended it')));
    body.once('close', () => void dispatcher.destroy());
    await this.more(1);
  }

  get progress(): Progress {
    const pause = systemClock.monotonic() - this.#last;
    return {
      bytes: this.#bytes,
      longestPause: Math.max(this.#longestPause, pause),
      wrongAt: this.#wrongAt,
    };
  }

  /** Restarts the measurement of the longest pause. */
  forgetPauses(): void {
    this.#longestPause = 0;
  }

  /** Resolves when this many more bytes have arrived. @throws TunneliteError `ERR_CLIENT_FETCH` if it breaks first */
  async more(bytes: number): Promise<void> {
    const wanted = this.#bytes + bytes;
    while (this.#bytes < wanted) {
      if (this.#broken) {
        throw new TunneliteError('ERR_CLIENT_FETCH', `The download failed: ${this.#broken.message}.`, {
          cause: this.#broken,
        });
      }
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Ends it, without an error. */
  end(): void {
    this.#end.abort();
  }

  #take(chunk: Buffer): void {
    const now = systemClock.monotonic();
    this.#longestPause = Math.max(this.#longestPause, now - this.#last);
    this.#last = now;
    for (let at = 0; at < chunk.length && this.#wrongAt === undefined; ) {
      const expected = patternChunk(this.#bytes + at, chunk.length - at);
      if (!chunk.subarray(at, at + expected.length).equals(expected)) this.#wrongAt = this.#bytes + at;
      at += expected.length;
    }
    this.#bytes += chunk.length;
    this.#settled();
  }

  #fail(error: Error): void {
    this.#broken ??= error;
    this.#settled();
  }

  #settled(): void {
    const waiting = this.#wake;
    this.#wake = [];
    for (const wake of waiting) wake();
  }
}
