import type { Clock, Timer } from '../lib/clock.ts';
import type { TcpWay } from './link.ts';
import { MemoryStream } from './memory-stream.ts';
import type { TcpTarget } from './types.ts';

/** Delivers without delay, but not within the call that sends. */
const AT_ONCE: Pick<TcpWay, 'send'> = { send: (_bytes, arrive) => queueMicrotask(arrive) };

/** The end of a connection in memory that is passed to a Node server: it has the addresses of both ends, and an idle timeout. */
export class ServedStream extends MemoryStream {
  readonly localAddress: string;
  readonly localPort: number;
  readonly #clock: Clock;
  #silence = 0;
  #timer: Timer | undefined;

  private constructor(client: TcpTarget, server: TcpTarget, clock: Clock) {
    super(client.host, client.port, AT_ONCE, false);
    this.localAddress = server.host;
    this.localPort = server.port;
    this.#clock = clock;
  }

  /** A connection from a client to a server, within the process; the server's end first. */
  static pair(client: TcpTarget, server: TcpTarget, clock: Clock): [ServedStream, MemoryStream] {
    const served = new ServedStream(client, server, clock);
    const other = new MemoryStream(server.host, server.port, AT_ONCE, false);
    served.open(other);
    other.open(served);
    return [served, other];
  }

  /** Like `net.Socket.setTimeout`: emits `timeout` after this many idle milliseconds; 0 = never. */
  setTimeout(milliseconds: number, onTimeout?: () => void): this {
    this.#silence = milliseconds;
    if (onTimeout !== undefined) {
      if (milliseconds > 0) this.once('timeout', onTimeout);
      else this.off('timeout', onTimeout);
    }
    this.#heard();
    return this;
  }

  get timeout(): number {
    return this.#silence;
  }

  /** Like `net.Socket.destroySoon`: ends the stream, and closes it when all data has been passed on. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override arrived(bytes: Buffer): void {
    this.#heard();
    super.arrived(bytes);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#heard();
    super._write(chunk, encoding, done);
  }

  override _writev(
    chunks: { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    this.#heard();
    super._writev(chunks, done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#timer?.cancel();
    super._destroy(error, done);
  }

  #heard(): void {
    if (this.#timer === undefined && this.#silence === 0) return;
    this.#timer?.cancel();
    this.#timer =
      this.#silence > 0 && !this.destroyed
        ? this.#clock.setTimer(this.#silence, () => this.emit('timeout'))
        : undefined;
  }
}
