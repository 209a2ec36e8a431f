import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Transport } from '../../tls/transport.ts';

/**
 * The data of a CONNECT: the client's TLS connection after the answer. Each direction ends separately; an error on one side aborts the
 * other, without the `close_notify` of a clean end.
 */
export class ForwardStream extends Duplex {
  readonly #tls: TLSSocket;
  readonly #transport: Transport;
  #bytesIn = 0;
  #bytesOut = 0;

  /** @param head bytes received after the request */
  constructor(tls: TLSSocket, transport: Transport, head: Buffer | undefined) {
    super({ allowHalfOpen: true });
    this.#tls = tls;
    this.#transport = transport;
    if (head?.length) this.#take(head);
    tls.on('data', (chunk: Buffer) => this.#take(chunk));
    tls.on('end', () => this.push(null));
    tls.on('close', () => this.#gone());
  }

  bytes(): { readonly bytesIn: number; readonly bytesOut: number } {
    return { bytesIn: this.#bytesIn, bytesOut: this.#bytesOut };
  }

  #take(chunk: Buffer): void {
    this.#bytesIn += chunk.length;
    if (!this.push(chunk)) this.#tls.pause();
  }

  #gone(): void {
    const whole = this.readableEnded && this.writableFinished;
    this.destroy(whole ? undefined : new Error('The client aborted the connection.'));
  }

  override _read(): void {
    this.#tls.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#tls.destroyed) {
      done(new Error('The client aborted the connection.'));
      return;
    }
    this.#bytesOut += chunk.length;
    this.#tls.write(chunk, (error) => {
      if (error) done(error);
      else this.#transport.whenRoom(done);
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#tls.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#tls.destroyed) this.#tls.destroy();
    done(error);
  }
}
