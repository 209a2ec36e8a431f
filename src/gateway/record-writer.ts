import type { TLSSocket } from 'node:tls';
import { MAX_QUEUED_BYTES, MAX_WAITING_PACKETS } from './constants.ts';
import type { Transport } from './transport.ts';

/*
 * One packet, one TLS record. Stock clients drop two packets in a record and quit on one packet in two records, and
 * Node's TLS stream merges writes that wait for one another into records of its own choosing.
 *
 * Node encrypts one native write request with one SSL_write, which makes one record as long as the data fits one; but a
 * request completes only with an event loop turn of its own, and a second one must not be started before. So this class
 * stands between TLS and the transport (`doWrite` of the stream wrapper that Node puts around a transport that is no
 * socket), takes the ciphertext, and completes the request at once. Then any number of records is made in one turn,
 * straight from the caller's buffer, and they leave with one system call. Where Node's insides are not as expected,
 * each write waits for the callback of the one before: the same records, at half the rate.
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

export interface RecordWriterOptions {
  /** Bytes queued before packets are dropped. */
  readonly limit?: number;
  /** Test seam: behave as if Node's insides were unknown. */
  readonly portable?: boolean;
}

/** Writes packets to a TLS connection, each as exactly one record, and drops what does not fit the queue. */
export class RecordWriter {
  /** Packets written. */
  written = 0;
  /** Packets dropped because the queue was full. */
  dropped = 0;
  readonly #tls: TLSSocket;
  readonly #transport: Transport;
  readonly #handle: TlsHandle | undefined;
  readonly #limit: number;
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

  /** To be made right after the TLS socket, before anything is written to it. */
  constructor(tls: TLSSocket, transport: Transport, options: RecordWriterOptions = {}) {
    this.#tls = tls;
    this.#transport = transport;
    this.#limit = options.limit ?? MAX_QUEUED_BYTES;
    this.#handle = options.portable ? undefined : this.#takeOver();
  }

  /** True when records are made directly, false when each waits for the callback of the one before. */
  get direct(): boolean {
    return this.#handle !== undefined && WriteRequestClass !== undefined;
  }

  /** Bytes between here and the kernel. */
  get queuedBytes(): number {
    return this.#waitingBytes + this.#transport.queuedBytes;
  }

  /**
   * Sends `buffer[start, end)` as one record; the bytes may be reused at once. False: dropped.
   * At most 16,384 bytes.
   */
  write(buffer: Buffer, start: number, end: number): boolean {
    if (this.#closed || this.queuedBytes > this.#limit) {
      this.dropped++;
      return false;
    }
    if (!this.#busy && this.#handle && WriteRequestClass) {
      this.#writeDirect(buffer.subarray(start, end));
      return true;
    }
    if (this.#waiting.length >= MAX_WAITING_PACKETS && this.#handle) {
      this.dropped++;
      return false;
    }
    this.#waiting.push(Buffer.from(buffer.subarray(start, end)));
    this.#waitingBytes += end - start;
    if (!this.#busy) this.#drain();
    return true;
  }

  /** Hands everything encrypted so far to the kernel now instead of at the end of the turn. */
  flush(): void {
    this.#transport.flush();
  }

  /** Takes no more packets. */
  close(): void {
    this.#closed = true;
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #drain(): void {
    while (!this.#busy && this.#waiting.length > 0 && !this.#closed) {
      const packet = this.#waiting.shift()!;
      this.#waitingBytes -= packet.length;
      if (this.#handle && WriteRequestClass) {
        this.#writeDirect(packet);
      } else {
        this.written++;
        this.#busy = true;
        this.#tls.write(packet, this.#onComplete);
      }
    }
  }

  #writeDirect(packet: Buffer): void {
    // Ciphertext of another origin (a session ticket, a key update) may be on its way: complete it, so that this one passes.
    while (this.#unfinished) this.#complete(this.#unfinished);
    const request = new WriteRequestClass!();
    request.handle = this.#handle;
    request.async = false;
    request.oncomplete = this.#onComplete;
    this.written++;
    this.#inWrite = true;
    this.#completed = false;
    const status = this.#handle!.writeBuffer(request, packet);
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
