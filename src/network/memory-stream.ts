import { Duplex } from 'node:stream';
import type { TcpWay } from './link.ts';

/** Bytes in transit or unread before a writer must wait: what systems allow a connection. */
const WINDOW = 256 * 1024;

/** An error in the form of the system's. */
export function systemError(code: string, syscall: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${syscall} ${code}`), { code, syscall });
}

/** One end of a TCP connection in memory. Has the parts of `net.Socket` that are used. */
export class MemoryStream extends Duplex {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly #way: Pick<TcpWay, 'send'>;
  #peer: MemoryStream | undefined;
  #connecting: boolean;
  /** Bytes sent, and not read by the other side. */
  #underWay = 0;
  #waiting: (() => void) | undefined;
  /** Bytes received and not read yet. */
  #unread = 0;
  #ended = false;
  #silent = false;

  /** @param connecting written data waits until `open` */
  constructor(remoteAddress: string, remotePort: number, way: Pick<TcpWay, 'send'>, connecting: boolean) {
    super({ allowHalfOpen: true });
    this.remoteAddress = remoteAddress;
    this.remotePort = remotePort;
    this.#way = way;
    this.#connecting = connecting;
  }

  /** Call when the other end is available. */
  open(peer: MemoryStream): void {
    this.#peer = peer;
    if (!this.#connecting) return;
    this.#connecting = false;
    this.emit('connect');
    this.#proceed();
  }

  get connecting(): boolean {
    return this.#connecting;
  }

  /** The machine has lost its address: nothing reaches the other side any more, not even the end. */
  cut(): void {
    this.#silent = true;
    this.destroy(systemError('ENETDOWN', 'read'));
  }

  override _read(): void {
    if (this.#unread === 0) return;
    const read = this.#unread;
    this.#unread = 0;
    this.#peer?.taken(read);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#send(Buffer.from(chunk), done);
  }

  override _writev(
    chunks: { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#send(Buffer.concat(chunks.map(({ chunk }) => chunk)), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenReady(() => {
      this.#carry(0, (peer) => peer.finished());
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#waiting = undefined;
    // Like `close` of a socket: sends an end if none was sent before. Data received later is answered with a reset.
    if (!this.writableFinished) this.#carry(0, (peer) => peer.finished());
    done(error);
  }

  resetAndDestroy(): this {
    this.#carry(0, (peer) => peer.wasReset());
    this.#silent = true;
    this.destroy();
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  /** The peer has read this many bytes. */
  taken(bytes: number): void {
    this.#underWay -= bytes;
    this.#proceed();
  }

  /** Receives bytes. */
  arrived(bytes: Buffer): void {
    if (this.destroyed) {
      if (!this.#silent) this.#carry(0, (peer) => peer.wasReset());
      return;
    }
    if (this.#ended) return;
    if (this.push(bytes)) this.#peer?.taken(bytes.length);
    else this.#unread += bytes.length;
  }

  /** The other side has ended. */
  finished(): void {
    if (this.destroyed || this.#ended) return;
    this.#ended = true;
    this.push(null);
  }

  wasReset(): void {
    this.#silent = true;
    this.destroy(systemError('ECONNRESET', 'read'));
  }

  /** Nothing listens at the destination. */
  refused(): void {
    this.#silent = true;
    this.destroy(systemError('ECONNREFUSED', 'connect'));
  }

  #send(bytes: Buffer, done: (error?: Error | null) => void): void {
    this.#whenReady(() => {
      this.#underWay += bytes.length;
      this.#carry(bytes.length, (peer) => peer.arrived(bytes));
      if (this.#underWay < WINDOW) done();
      else this.#waiting = done;
    });
  }

  #whenReady(go: () => void): void {
    if (this.#connecting) this.#waiting = go;
    else go();
  }

  #proceed(): void {
    if (this.#underWay >= WINDOW) return;
    const go = this.#waiting;
    this.#waiting = undefined;
    go?.();
  }

  #carry(bytes: number, arrive: (peer: MemoryStream) => void): void {
    const peer = this.#peer;
    if (!peer || this.#silent) return;
    this.#way.send(bytes, () => arrive(peer));
  }
}
