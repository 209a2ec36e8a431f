import type { TLSSocket } from 'node:tls';
import { GROUP_BYTES, MAX_FRAGMENT, MAX_QUEUED_BYTES, MAX_WAITING_PACKETS, MIN_FRAGMENT } from '../constants.ts';
import type { Transport } from '../control/transport.ts';

/*
 * One packet, one TLS record. Stock clients drop two packets in a record and quit on one packet in two records, and
 * Node's TLS stream merges writes that wait for one another into records of its own choosing. Two things put this right:
 *
 * 1. Runs. OpenSSL cuts one write into records of the maximum fragment size, which may be lowered at any time, though
 *    never raised again. So packets of the largest size that the tunnel has, which is what bulk transfers consist of, and one
 *    shorter packet at the end of them, are laid side by side and written at once, with the fragment size set to theirs.
 * 2. Writes without waiting. Node encrypts one native write request with one SSL_write, but lets it complete only in an
 *    event loop turn of its own, and a second one must not be started before. So this class stands between TLS and the
 *    transport (`doWrite` of the stream wrapper that Node puts around a transport that is no socket), takes the ciphertext,
 *    and completes the request at once. Then any number of writes is made in one turn, and they leave with one system call.
 *
 * The first needs Node's public interface only. Where Node's insides are not as the second expects, each write waits for
 * the callback of the one before: the same records, only fewer writes in a turn.
 */

interface WriteRequest {
  handle?: unknown;
  oncomplete?: (status: number) => void;
  async?: boolean;
}

interface TlsHandle {
  _parentWrap?: StreamWrapper;
  writeBuffer(request: WriteRequest, data: Buffer): number;
}

interface StreamWrapper {
  doWrite?(request: WriteRequest, chunks: Buffer[]): number;
  _handle?: { finishWrite?(request: WriteRequest, status: number): void } | null;
}

/** Node's native request class; learned from the first ordinary write. */
let WriteRequestClass: (new () => WriteRequest) | undefined;

/** Room for runs; as many as there were connections with a run in the same turn. */
const spareRooms: Buffer[] = [];
const MAX_SPARE_ROOMS = 32;

/** Sizes that can be cut at: OpenSSL takes no fragment below 512, and shortens multiples of 4096 for some old ciphers. */
const canCutAt = (size: number): boolean => size >= MIN_FRAGMENT && size <= MAX_FRAGMENT && (size & 0xfff) !== 0;

export interface RecordWriterOptions {
  /** Bytes queued before packets are dropped. */
  readonly limit?: number;
  /** Test seam: behave as if Node's insides were unknown. */
  readonly portable?: boolean;
}

/**
 * Writes packets to a TLS connection, each as exactly one record, and drops what does not fit the queue. Packets go out at
 * the end of the turn; nothing else may be written to the connection before `flush`.
 */
export class RecordWriter {
  /** Packets taken. */
  written = 0;
  /** Packets dropped because the queue was full. */
  dropped = 0;
  readonly #tls: TLSSocket;
  readonly #transport: Transport;
  readonly #handle: TlsHandle | undefined;
  readonly #limit: number;
  /** Size of the packets that runs are made of; 0 = no runs. */
  #runSize = 0;
  /** The run that is being laid out, and how far it reaches. */
  #room: Buffer | undefined;
  #runEnd = 0;
  /** Where OpenSSL cuts now: a larger packet would be torn. */
  #fragment = MAX_FRAGMENT;
  #flushPlanned = false;
  /** Finished runs and packets that wait while a write is under way. */
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  /** A write request is under way and did not complete at once. */
  #busy = false;
  #inWrite = false;
  #completed = false;
  #captured: WriteRequest | undefined;
  #unfinished: WriteRequest | undefined;
  #finish: (request: WriteRequest) => void = () => {};
  #closed = false;
  readonly #onComplete = (): void => {
    this.#completed = true;
    if (this.#inWrite) return;
    this.#busy = false;
    this.#drain();
  };
  readonly #endOfTurn = (): void => {
    this.#flushPlanned = false;
    this.flush();
  };

  /** To be made right after the TLS socket, before anything is written to it. */
  constructor(tls: TLSSocket, transport: Transport, options: RecordWriterOptions = {}) {
    this.#tls = tls;
    this.#transport = transport;
    this.#limit = options.limit ?? MAX_QUEUED_BYTES;
    this.#handle = options.portable ? undefined : this.#takeOver();
  }

  /**
   * Tells the size of the largest packets to come, header included, which may then be written in runs. From the first run on
   * larger ones are refused.
   */
  expect(largest: number): void {
    this.#endRun();
    this.#runSize = canCutAt(largest) && largest <= this.#fragment ? largest : 0;
  }

  /** Largest packet that can be sent in one record now. */
  get largest(): number {
    return this.#fragment;
  }

  /** True when writes complete at once, false when each waits for the callback of the one before. */
  get direct(): boolean {
    return this.#handle !== undefined && WriteRequestClass !== undefined;
  }

  /** Bytes between here and the kernel. */
  get queuedBytes(): number {
    return this.#runEnd + this.#waitingBytes + this.#transport.queuedBytes;
  }

  /**
   * Sends `buffer[start, end)` as one record; the bytes may be reused at once. False: dropped.
   * At most 16,384 bytes.
   */
  write(buffer: Buffer, start: number, end: number): boolean {
    const size = end - start;
    const full =
      this.queuedBytes > this.#limit || (this.#handle !== undefined && this.#waiting.length >= MAX_WAITING_PACKETS);
    if (this.#closed || full || size > this.#fragment) {
      this.dropped++;
      return false;
    }
    this.written++;
    const fits = this.#runEnd + size <= GROUP_BYTES;
    if (size === this.#runSize) {
      if (!fits) this.#endRun();
      this.#append(buffer, start, end);
    } else if (this.#runEnd > 0 && size < this.#runSize && fits) {
      // A shorter packet can be the last of a run, and only that.
      this.#append(buffer, start, end);
      this.#endRun();
    } else {
      this.#endRun();
      this.#submit(buffer.subarray(start, end));
    }
    if (!this.#flushPlanned) {
      this.#flushPlanned = true;
      queueMicrotask(this.#endOfTurn);
    }
    return true;
  }

  /** Hands everything to the kernel now instead of at the end of the turn. */
  flush(): void {
    this.#endRun();
    this.#transport.flush();
  }

  /** Sends what is there and takes no more packets. */
  close(): void {
    if (this.#closed) return;
    this.flush();
    this.#closed = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #append(buffer: Buffer, start: number, end: number): void {
    this.#room ??= spareRooms.pop() ?? Buffer.allocUnsafeSlow(GROUP_BYTES);
    buffer.copy(this.#room, this.#runEnd, start, end);
    this.#runEnd += end - start;
  }

  #endRun(): void {
    if (this.#runEnd === 0) return;
    const room = this.#room!;
    const bytes = room.subarray(0, this.#runEnd);
    this.#room = undefined;
    this.#runEnd = 0;
    if (bytes.length <= this.#runSize || this.#lowerFragment()) {
      this.#submit(bytes);
    } else {
      for (let at = 0; at < bytes.length; at += this.#runSize) this.#submit(bytes.subarray(at, at + this.#runSize));
    }
    if (spareRooms.length < MAX_SPARE_ROOMS) spareRooms.push(room);
  }

  /** Has OpenSSL cut at the size of runs. Not while a larger packet waits, which that would tear. */
  #lowerFragment(): boolean {
    if (this.#fragment === this.#runSize) return true;
    if (this.#waiting.some((bytes) => bytes.length > this.#runSize)) return false;
    this.#fragment = this.#runSize;
    this.#tls.setMaxSendFragment(this.#runSize);
    return true;
  }

  /** Encrypts now, or keeps a copy until that can be done. */
  #submit(bytes: Buffer): void {
    if (this.#closed) return;
    if (!this.#busy && this.#handle && WriteRequestClass) {
      this.#writeDirect(bytes);
      return;
    }
    this.#waiting.push(Buffer.from(bytes));
    this.#waitingBytes += bytes.length;
    if (!this.#busy) this.#drain();
  }

  #drain(): void {
    while (!this.#busy && this.#waiting.length > 0 && !this.#closed) {
      const bytes = this.#waiting.shift()!;
      this.#waitingBytes -= bytes.length;
      if (this.#handle && WriteRequestClass) {
        this.#writeDirect(bytes);
      } else {
        this.#busy = true;
        this.#tls.write(bytes, this.#onComplete);
      }
    }
  }

  #writeDirect(bytes: Buffer): void {
    // Ciphertext of another origin (a session ticket, a key update) may be on its way: complete it, so that this one passes.
    while (this.#unfinished) this.#complete(this.#unfinished);
    const request = new WriteRequestClass!();
    request.handle = this.#handle;
    request.async = false;
    request.oncomplete = this.#onComplete;
    this.#inWrite = true;
    this.#completed = false;
    const status = this.#handle!.writeBuffer(request, bytes);
    if (this.#captured) {
      const captured = this.#captured;
      this.#captured = undefined;
      this.#finish(captured);
    }
    this.#inWrite = false;
    if (status !== 0) {
      this.#closed = true;
      this.#tls.destroy();
    } else if (!this.#completed) {
      this.#busy = true;
    }
  }

  #complete(request: WriteRequest): void {
    if (this.#unfinished !== request) return;
    this.#unfinished = undefined;
    this.#finish(request);
  }

  #takeOver(): TlsHandle | undefined {
    const handle = (this.#tls as unknown as { _handle?: TlsHandle })._handle;
    const wrapper = handle?._parentWrap;
    const stream = wrapper?._handle;
    if (!handle || !wrapper || !stream) return undefined;
    if (typeof handle.writeBuffer !== 'function' || typeof wrapper.doWrite !== 'function') return undefined;
    const finishWrite = stream.finishWrite;
    if (typeof finishWrite !== 'function') return undefined;
    this.#finish = (request) => finishWrite.call(stream, request, 0);
    wrapper.doWrite = (request, chunks) => {
      this.#transport.collect(chunks);
      if (this.#inWrite) {
        this.#captured = request;
      } else {
        this.#unfinished = request;
        setImmediate(() => this.#complete(request));
      }
      return 0;
    };
    if (!WriteRequestClass) {
      const writeBuffer = handle.writeBuffer;
      handle.writeBuffer = (request, data) => {
        WriteRequestClass ??= request.constructor as new () => WriteRequest;
        delete (handle as Partial<TlsHandle>).writeBuffer;
        return writeBuffer.call(handle, request, data);
      };
    }
    return handle;
  }
}
