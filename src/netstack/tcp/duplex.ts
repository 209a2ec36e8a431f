import type { Buffer } from 'node:buffer';
import { Duplex } from 'node:stream';
import { TunneliteError } from '../../lib/errors.ts';
import type { TcpCloseReason, TcpFlow, TcpFlowHandler } from '../core/types.ts';

const HIGH_WATER = 256 * 1024;
/**
 * Bytes that `destroy` discards, whether they are here already or arrive later: closing messages of TLS, and session tickets that arrive
 * with them. Our value.
 */
const GOODBYE_BYTES = 1024;

/**
 * A flow as a Node stream. Bytes that the reader has not read stay unconsumed, so that the peer's window closes. Writes call back at once
 * until the send buffer is full, then when it has drained. Emits `over` when the flow has ended, which is after `close` if this side closed
 * first: without an argument if both directions ended normally, otherwise with the error.
 */
export class TcpDuplex extends Duplex implements TcpFlowHandler {
  /**
   * Whether `destroy` closes like a program's socket: with FIN, unless data was not read or not passed on. If not, `destroy` before the end
   * resets the connection. An abort always resets it. Up to 1,024 unread bytes may be the end of TLS, which its reader no longer wants.
   */
  closesOnDestroy = false;
  readonly #flow: TcpFlow;
  #held: Buffer[] = [];
  #full = false;
  #ended = false;
  #over = false;
  #writeDone: ((error?: Error | null) => void) | undefined;

  constructor(flow: TcpFlow) {
    super({ allowHalfOpen: true, readableHighWaterMark: HIGH_WATER, writableHighWaterMark: HIGH_WATER });
    this.#flow = flow;
    flow.handler = this;
  }

  onConnect(): void {
    this.emit('connect');
  }

  get flowing(): boolean {
    return this.readableFlowing === true && this.readableLength === 0 && !this.#full;
  }

  onData(chunk: Buffer): void {
    if (this.destroyed) {
      this.#flow.consumed(chunk.length);
      return;
    }
    if (this.#full) {
      this.#held.push(chunk);
      return;
    }
    this.#pass(chunk);
  }

  onEnd(): void {
    this.#ended = true;
    if (this.#held.length === 0) this.push(null);
  }

  onDrain(): void {
    const done = this.#writeDone;
    this.#writeDone = undefined;
    done?.();
  }

  onClose(reason: TcpCloseReason): void {
    this.#over = true;
    this.emit('over', reason === 'closed' ? undefined : closeError(reason));
    const done = this.#writeDone;
    this.#writeDone = undefined;
    if (reason === 'closed') {
      done?.();
      // Both directions have ended; the reader can still read what is buffered.
      return;
    }
    const error = closeError(reason);
    if (done === undefined) this.destroy(error);
    else {
      done(error);
      this.destroy(error);
    }
  }

  override _read(): void {
    this.#full = false;
    if (this.#held.length === 0) return;
    const held = this.#held;
    let i = 0;
    while (i < held.length && !this.#full) this.#pass(held[i++]!);
    this.#held = i === held.length ? [] : held.slice(i);
    if (this.#ended && this.#held.length === 0) this.push(null);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#over) {
      done(closeError('closed'));
      return;
    }
    if (this.#flow.write(chunk)) done();
    else this.#writeDone = done;
  }

  override _writev(chunks: { chunk: Buffer; encoding: BufferEncoding }[], done: (error?: Error | null) => void): void {
    if (this.#over) {
      done(closeError('closed'));
      return;
    }
    let room = true;
    for (const { chunk } of chunks) room = this.#flow.write(chunk);
    if (room) done();
    else this.#writeDone = done;
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#flow.end();
    done();
  }

  /**
   * Like `net.Socket.destroySoon`: ends the stream, and closes it when all data has been passed on. HTTP servers close connections like
   * this.
   */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once('finish', () => this.destroy());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#held = [];
    // Like closing a socket: data that was written and ended still arrives. An abort sends RST. Data received later is answered with RST,
    // since nobody will read it (RFC 2525 §2.17, RFC 9293 §3.6.1).
    if (!this.#over) {
      const spare = (this.closesOnDestroy ? GOODBYE_BYTES : 0) - this.readableLength;
      if (spare < 0 || this.#breaksOff(error)) this.#flow.reset();
      else if (!this.#ended || !this.writableFinished) this.#flow.close(spare);
    }
    done(error);
  }

  #breaksOff(error: Error | null): boolean {
    if (!this.closesOnDestroy) return error !== null || !this.writableFinished;
    return error?.name === 'AbortError' || this.writableLength > 0;
  }

  #pass(chunk: Buffer): void {
    if (!this.push(chunk)) this.#full = true;
    this.#flow.consumed(chunk.length);
  }
}

function closeError(reason: TcpCloseReason): TunneliteError {
  switch (reason) {
    case 'reset-by-peer':
      return new TunneliteError('ERR_NETSTACK_RESET');
    case 'refused':
      return new TunneliteError('ERR_NETSTACK_REFUSED');
    case 'timeout':
      return new TunneliteError('ERR_NETSTACK_TIMEOUT');
    case 'evicted':
      return new TunneliteError('ERR_NETSTACK_LIMIT');
    case 'unreachable':
      return new TunneliteError('ERR_NETSTACK_UNREACHABLE');
    default:
      return new TunneliteError('ERR_NETSTACK_CLOSED');
  }
}
