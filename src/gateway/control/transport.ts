import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { FLUSH_BYTES } from '../constants.ts';

/**
 * The raw TCP connection as TLS sees it. TLS runs over this instead of over the socket's own handle for two reasons:
 * ciphertext of many records can be collected and written with one system call, and the end of one socket read is known,
 * so that everything it caused can be sent as one batch.
 */
export class Transport extends Duplex {
  readonly raw: Socket;
  /** Called after one socket read has gone through TLS and its handlers. */
  onBatchEnd: (() => void) | undefined;
  /** First bytes that came, for the explanation when the handshake fails. */
  firstBytes: Buffer | undefined;
  bytesRead = 0;
  #collected: Buffer[] = [];
  #collectedBytes = 0;
  #flushPlanned = false;
  #held = false;

  constructor(raw: Socket) {
    super({ allowHalfOpen: true });
    this.raw = raw;
    raw.on('data', (chunk) => {
      this.firstBytes ??= Buffer.from(chunk.subarray(0, 64));
      this.bytesRead += chunk.length;
      if (!this.push(chunk)) raw.pause();
      this.onBatchEnd?.();
    });
    raw.on('end', () => this.push(null));
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => this.destroy());
  }

  /** Bytes that wait here or in the socket. */
  get queuedBytes(): number {
    return this.#collectedBytes + this.raw.writableLength;
  }

  /** Takes ciphertext; it goes out at the end of the turn, or sooner when there is much of it. */
  collect(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#collected.push(chunk);
      this.#collectedBytes += chunk.length;
    }
    if (this.#collectedBytes >= FLUSH_BYTES) {
      this.flush();
    } else if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(() => this.flush());
    }
  }

  /** Hands everything collected to the socket, as one gathered write. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.#collected.length === 0) return;
    const chunks = this.#collected;
    this.#collected = [];
    this.#collectedBytes = 0;
    if (!this.raw.writable) return;
    if (chunks.length === 1) {
      this.raw.write(chunks[0]!);
      return;
    }
    this.raw.cork();
    for (const chunk of chunks) this.raw.write(chunk);
    this.raw.uncork();
  }

  /** Stops reading, whatever TLS asks for, until `release`: a fault on purpose. */
  hold(): void {
    this.#held = true;
    this.raw.pause();
  }

  release(): void {
    this.#held = false;
    this.raw.resume();
  }

  override _read(): void {
    if (!this.#held) this.raw.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.flush();
    this.raw.write(chunk, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.flush();
    this.raw.end(() => callback());
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.raw.destroy();
    callback(error);
  }
}
