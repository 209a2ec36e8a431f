import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { FLUSH_BYTES, FULL_READ_BYTES, GATE_ROOM, MAX_FRAGMENT } from './constants.ts';
import { readsAreShared } from './direct-trial.ts';
import { ReadMemory, readInto } from './shared-reads.ts';
import type { StreamDirection, StreamGate, StreamPlace } from './stream-gate.ts';
import type { StreamTap } from './stream-tap.ts';

/** Memory for the ciphertext of all connections of this process: TLS processes it before the next read. */
export const ciphertextMemory = new ReadMemory(FULL_READ_BYTES);
/** Memory for the plaintext of connections whose owner processes it at once. A TLS record is no larger. */
export const plaintextMemory = new ReadMemory(MAX_FRAGMENT);

export interface TransportOptions {
  /** Called after one socket read has passed TLS and its handlers. */
  readonly onBatchEnd?: () => void;
  /** Test seam: behave as if the trial of Node's internals had failed. */
  readonly portable?: boolean;
  /** Maximum number of first bytes kept for {@link Transport.firstBytes}. Default 64. */
  readonly keepFirst?: number;
}

const NO_BYTES = Buffer.alloc(0);

/**
 * The TCP connection under TLS. TLS runs over this instead of the socket's own handle for three reasons. The ciphertext of many records can
 * be collected and written with one system call. The end of a socket read is known, so that everything it caused can be sent as one batch.
 * And if a peer sends more than one read returns, the rest is read in the next turn of the event loop, after all other connections (libuv
 * would read 32 times in a row).
 */
export class Transport extends Duplex implements StreamPlace {
  readonly raw: Socket;
  /** Whether it reads into the memory that all connections share; false: Node allocates memory for each read. */
  readonly sharesReads: boolean;
  /** First bytes received, to explain a failed handshake. */
  firstBytes: Buffer | undefined;
  #collected: Buffer[] = [];
  #collectedBytes = 0;
  #flushPlanned = false;
  /** Number of requests to pause reading. */
  #holds = 0;
  /** All bytes pass this gate; usually undefined. */
  #gate: StreamGate | undefined;
  /** Observes the bytes on the network; usually undefined. */
  #tap: StreamTap | undefined;
  /** The gate accepts no more bytes for now. */
  #gateFull = false;
  /** Called when the gate has space again, or has passed on the end. */
  #whenDrained: (() => void) | undefined;
  #whenRoom: (() => void) | undefined;
  #whenFinished: (() => void) | undefined;
  /** A full read has ended reading for this turn. */
  #resting = false;
  /** TLS wants more data than has been received. */
  #wanted = true;

  /** Largest piece to pass to TLS at once; 0 = no limit. */
  #pieces = 0;
  /** Ciphertext waits for the end of the event loop's turn rather than that of the current call. */
  #late = false;
  readonly #onBatchEnd: (() => void) | undefined;
  readonly #keepFirst: number;

  constructor(raw: Socket, { onBatchEnd, portable = false, keepFirst = 64 }: TransportOptions = {}) {
    super({ allowHalfOpen: true });
    this.raw = raw;
    this.#keepFirst = keepFirst;
    this.#onBatchEnd = onBatchEnd;
    const take = (chunk: Buffer): void => this.#take(chunk);
    raw.on('data', take);
    this.sharesReads = !portable && readsAreShared() && readInto(raw, ciphertextMemory, take);
    raw.on('end', () => {
      this.#tap?.end('in');
      if (this.#gate) this.#gate.end('in');
      else this.push(null);
    });
    raw.on('error', (error) => this.destroy(error));
    raw.on('close', () => {
      this.#tap?.gone();
      this.destroy();
      this.#gate?.gone();
    });
  }

  /** Call after the handshake: its first bytes are no longer needed. */
  forgetFirstBytes(): void {
    this.firstBytes = NO_BYTES;
  }

  /**
   * Limits the pieces of ciphertext passed to TLS from now on to this many bytes; 0 = no limit. Node's TLS stores input in blocks
   * (NodeBIO): the first has 1,024 bytes; the second, which a larger piece needs, has 16 KiB. A connection keeps both until it closes.
   */
  handInPieces(bytes: number): void {
    this.#pieces = bytes;
  }

  /**
   * From now on, ciphertext that TLS wants to send waits until everything that came with it has been processed (`setImmediate`), unless `flush`
   * is called before: the end of a handshake then leaves with the first request, in one system call and one segment.
   */
  flushLate(late: boolean): void {
    this.#late = late;
  }

  /**
   * Passes the plaintext of the TLS socket over this transport to `take`, which must process the bytes before it returns, instead of to
   * 'data' listeners. These get data that was read before. Without shared reads they continue to get all data.
   */
  sharePlaintext(tls: TLSSocket, take: (chunk: Buffer) => void): void {
    if (!this.sharesReads) return;
    // This data was read earlier, so it goes first. Waiting readers must not get newer bytes before it.
    while (tls.read() !== null);
    readInto(tls, plaintextMemory, take);
  }

  #take(chunk: Buffer): void {
    this.firstBytes ??= Buffer.from(chunk.subarray(0, this.#keepFirst));
    if (this.#tap !== undefined) this.#tap.bytes('in', chunk);
    if (this.#gate !== undefined) this.#gate.take('in', Buffer.from(chunk));
    else this.#handIn(chunk);
    if (chunk.length >= FULL_READ_BYTES && !this.#resting) {
      this.#resting = true;
      setImmediate(() => {
        this.#resting = false;
        this.#read();
      });
    }
    if (!this.#wanted || this.#resting || this.#gateFull) this.raw.pause();
    if (this.#gate === undefined) this.#onBatchEnd?.();
  }

  #handIn(chunk: Buffer): void {
    const size = this.#pieces || chunk.length;
    for (let at = 0; at < chunk.length; at += size) this.#wanted = this.push(this.#lasting(chunk, at, at + size));
  }

  /** A part of a chunk, in memory that is valid as long as needed: while TLS listens and nothing waits, TLS processes the bytes at once. */
  #lasting(chunk: Buffer, from: number, to: number): Buffer {
    const part = from === 0 && to >= chunk.length ? chunk : chunk.subarray(from, to);
    const shared = chunk.buffer === ciphertextMemory.bytes.buffer;
    return shared && !(this.readableFlowing && this.readableLength === 0) ? Buffer.from(part) : part;
  }

  /** Bytes that wait here or in the socket. */
  get queuedBytes(): number {
    const own = this.#collectedBytes + this.raw.writableLength;
    return this.#gate === undefined ? own : own + this.#gate.queued;
  }

  /** Accepts ciphertext; sends it at the end of the turn, or earlier if there is much of it. */
  collect(chunks: readonly Buffer[]): void {
    for (const chunk of chunks) {
      this.#collected.push(chunk);
      this.#collectedBytes += chunk.length;
    }
    if (this.#collectedBytes >= FLUSH_BYTES) {
      this.flush();
    } else if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      if (this.#late) setImmediate(() => this.flush());
      else queueMicrotask(() => this.flush());
    }
  }

  /** Passes everything collected to the socket, as one gathered write. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.#collected.length === 0) return;
    const chunks = this.#collected;
    this.#collected = [];
    this.#collectedBytes = 0;
    if (!this.raw.writable) return;
    if (this.#gate !== undefined) {
      this.#gate.take('out', chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks));
      return;
    }
    if (this.#tap !== undefined) for (const chunk of chunks) this.#tap.bytes('out', chunk);
    if (chunks.length === 1) {
      this.raw.write(chunks[0]!);
      return;
    }
    this.raw.cork();
    for (const chunk of chunks) this.raw.write(chunk);
    this.raw.uncork();
  }

  /**
   * Calls back when the socket accepts more data: at once, unless the socket or its gate is full. For unlimited writes to TLS: these
   * complete when they are encrypted (direct-path.ts), whether or not the peer receives them.
   */
  whenRoom(work: () => void): void {
    this.flush();
    if (this.raw.writableNeedDrain) this.raw.once('drain', work);
    else if (this.#gateHasRoom) work();
    else this.#whenRoom = () => this.whenRoom(work);
  }

  get #gateHasRoom(): boolean {
    return this.#gate === undefined || this.#gate.queued <= GATE_ROOM;
  }

  /** Stops reading, even if TLS wants data, until `release` was called as often: used to simulate a fault. */
  hold(): void {
    this.#holds++;
    this.raw.pause();
  }

  release(): void {
    this.#holds--;
    this.#read();
  }

  override _read(): void {
    this.#wanted = true;
    this.#read();
  }

  #read(): void {
    if (this.#wanted && this.#holds === 0 && !this.#gateFull && !this.#resting && !this.destroyed) this.raw.resume();
  }

  /** Sets an observer of the bytes on the network; undefined: none. */
  useTap(tap: StreamTap | undefined): void {
    this.#tap = tap;
  }

  // --- the gate's view

  useGate(gate: StreamGate | undefined): void {
    // Send what was written earlier first.
    this.flush();
    this.#gate = gate;
    if (gate === undefined) this.readOn(true);
  }

  pass(direction: StreamDirection, bytes: Buffer): void {
    if (direction === 'out') {
      if (!this.raw.writable) return;
      this.#tap?.bytes('out', bytes);
      this.raw.write(bytes);
    } else if (!this.destroyed) {
      this.#handIn(bytes);
      if (!this.#wanted) this.raw.pause();
      this.#onBatchEnd?.();
    }
  }

  finish(direction: StreamDirection): void {
    if (direction === 'in') {
      if (!this.destroyed) this.push(null);
    } else {
      this.#tap?.end('out');
      this.raw.end(() => (this.destroyed ? this.raw.destroy() : this.#settle()));
    }
  }

  readOn(wanted: boolean): void {
    this.#gateFull = !wanted;
    if (wanted) this.#read();
    else this.raw.pause();
  }

  drained(): void {
    if (this.#whenDrained === undefined && this.#whenRoom === undefined) return;
    // Not while the gate passes bytes on: what is written then would overtake them.
    queueMicrotask(() => {
      if (this.#gateHasRoom) this.#goOn();
    });
  }

  #goOn(): void {
    const [written, room] = [this.#whenDrained, this.#whenRoom];
    this.#whenDrained = undefined;
    this.#whenRoom = undefined;
    written?.();
    room?.();
  }

  dropSocket(): void {
    this.raw.destroy();
  }

  /** Closes the socket after it has sent its data, bypassing the gate. */
  closeSocket(): void {
    this.#tap?.end('out');
    this.raw.end(() => this.raw.destroy());
  }

  #settle(): void {
    const go = this.#whenFinished;
    this.#whenFinished = undefined;
    go?.();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.flush();
    if (this.#gate === undefined) {
      this.#tap?.bytes('out', chunk);
      this.raw.write(chunk, callback);
      return;
    }
    this.#whenDrained = callback;
    this.#gate.take('out', chunk);
    if (this.#gateHasRoom) this.#goOn();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.flush();
    if (this.#gate === undefined) {
      this.#tap?.end('out');
      this.raw.end(() => callback());
      return;
    }
    this.#whenFinished = callback;
    this.#gate.end('out');
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#whenDrained = undefined;
    this.#whenRoom = undefined;
    this.#whenFinished = undefined;
    if (error !== null || this.#gate?.linger() !== true) this.raw.destroy();
    else this.raw.resume();
    callback(error);
  }
}
