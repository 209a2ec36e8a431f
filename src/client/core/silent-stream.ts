import { Duplex } from 'node:stream';
import type { TcpStream } from '../../network/index.ts';

/** A connection that can fall silent: sent data vanishes and nothing arrives, as when the remote machine is gone. */
export class SilentStream extends Duplex {
  readonly #raw: TcpStream;
  #silent = false;

  constructor(raw: TcpStream) {
    super({ allowHalfOpen: true });
    this.#raw = raw;
    raw.on('data', (chunk: Buffer) => {
      if (!this.#silent && !this.push(chunk)) raw.pause();
    });
    raw.on('end', () => {
      if (!this.#silent) this.push(null);
    });
    raw.on('error', (error) => {
      if (!this.#silent) this.destroy(error);
    });
    raw.on('close', () => {
      if (!this.#silent) this.destroy();
    });
  }

  get remoteAddress(): string | undefined {
    return this.#raw.remoteAddress;
  }

  get remotePort(): number | undefined {
    return this.#raw.remotePort;
  }

  /** From now on. Releases the machine's own connection immediately. */
  fallSilent(): void {
    this.#silent = true;
    this.#raw.resetAndDestroy();
  }

  resetAndDestroy(): this {
    this.#raw.resetAndDestroy();
    return this.destroy();
  }

  override _read(): void {
    this.#raw.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    if (this.#silent) done();
    else this.#raw.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#silent) done();
    else this.#raw.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#raw.destroy();
    done(error);
  }
}
