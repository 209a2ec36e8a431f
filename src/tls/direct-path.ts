import type { TLSSocket } from 'node:tls';

/*
 * Writes to TLS that do not wait for each other. Node encrypts each native write request with one SSL_write, but completes it only in a
 * later turn of the event loop, and a second request must not start before that. This class therefore sits between TLS and the transport
 * (`doWrite` of the stream wrapper that Node puts around a transport that is not a socket), receives the ciphertext, and completes the
 * request at once. Any number of writes can then be made in one turn.
 *
 * All of this is internal to Node and differs between versions. Nothing here is used before a trial in the same process has succeeded
 * (direct-trial.ts). Native functions are only called as Node itself was observed to call them, because a wrong argument ends the process.
 */

interface WriteRequest {
  handle?: unknown;
  oncomplete?: (status: number) => void;
  async?: boolean;
  buffer?: Buffer;
  /** Node 26: status of a request that completed before it was returned. */
  writeStatus?: number | null;
  /** Node: the error of OpenSSL when it refused the write. */
  error?: unknown;
}

/** `null` with Node 26, which creates and returns the request itself. */
type WriteBuffer = (request: WriteRequest | null, data: Buffer) => number | WriteRequest;

interface TlsHandle {
  _parentWrap?: StreamWrapper;
  writeBuffer?: WriteBuffer;
}

interface StreamWrapper {
  doWrite?(request: WriteRequest, chunks: Buffer[]): number;
  _handle?: { finishWrite?(request: WriteRequest, status: number): void } | null;
}

/** How to call the native write of this Node version: with a request of this class, or without. */
export type WriteForm = (new () => WriteRequest) | null;

/** Where ciphertext goes. */
export interface CiphertextSink {
  collect(chunks: readonly Buffer[]): void;
}

const handleOf = (tls: TLSSocket): TlsHandle | undefined => (tls as unknown as { _handle?: TlsHandle })._handle;

/**
 * Observes the next ordinary write to a TLS connection and reports how Node performed it.
 * @returns false if Node lacks the necessary parts
 */
export function watchWriteForm(tls: TLSSocket, onForm: (form: WriteForm) => void): boolean {
  const handle = handleOf(tls);
  const writeBuffer = handle?.writeBuffer;
  if (!handle || typeof writeBuffer !== 'function') return false;
  handle.writeBuffer = (request, data) => {
    delete handle.writeBuffer;
    if (request === null) onForm(null);
    else if (typeof request === 'object') onForm(request.constructor as new () => WriteRequest);
    return writeBuffer.call(handle, request, data);
  };
  return true;
}

export const WriteOutcome = { Done: 0, Pending: 1, Failed: 2 } as const;
export type WriteOutcome = (typeof WriteOutcome)[keyof typeof WriteOutcome];

/** A TLS connection for writes that do not wait. */
export class DirectPath {
  readonly #handle: TlsHandle & { writeBuffer: WriteBuffer };
  readonly #form: WriteForm;
  readonly #finish: (request: WriteRequest) => void;
  /** Called when a write that did not complete at once completes. */
  readonly #onComplete: () => void;
  #inWrite = false;
  #completed = false;
  #captured: WriteRequest | undefined;
  #unfinished: WriteRequest | undefined;

  private constructor(
    handle: TlsHandle & { writeBuffer: WriteBuffer },
    form: WriteForm,
    finish: (request: WriteRequest) => void,
    onComplete: () => void,
  ) {
    this.#handle = handle;
    this.#form = form;
    this.#finish = finish;
    this.#onComplete = onComplete;
  }

  /** Takes over a connection right after its socket was created; undefined if Node lacks the necessary parts. */
  static take(tls: TLSSocket, sink: CiphertextSink, form: WriteForm, onComplete: () => void): DirectPath | undefined {
    const handle = handleOf(tls);
    const wrapper = handle?._parentWrap;
    const stream = wrapper?._handle;
    const finishWrite = stream?.finishWrite;
    if (!handle || !wrapper || typeof finishWrite !== 'function') return undefined;
    if (typeof handle.writeBuffer !== 'function' || typeof wrapper.doWrite !== 'function') return undefined;
    const finish = (request: WriteRequest): void => finishWrite.call(stream, request, 0);
    const path = new DirectPath(handle as TlsHandle & { writeBuffer: WriteBuffer }, form, finish, onComplete);
    wrapper.doWrite = (request, chunks) => {
      sink.collect(chunks);
      path.#took(request);
      return 0;
    };
    return path;
  }

  /** Encrypts bytes, whose memory may be reused afterward. `Pending`: nothing may be written before the call of `onComplete`. */
  write(bytes: Buffer): WriteOutcome {
    // Other ciphertext (a session ticket, a key update) may be pending: complete it, so that this write can proceed.
    while (this.#unfinished) this.#complete(this.#unfinished);
    this.#inWrite = true;
    this.#completed = false;
    const failed = this.#form ? this.#writeGiven(this.#form, bytes) : this.#writeReturned(bytes);
    this.#inWrite = false;
    if (failed) return WriteOutcome.Failed;
    return this.#completed ? WriteOutcome.Done : WriteOutcome.Pending;
  }

  /** Up to Node 25, the caller creates the request. */
  #writeGiven(WriteRequestClass: new () => WriteRequest, bytes: Buffer): boolean {
    const request = new WriteRequestClass();
    request.handle = this.#handle;
    request.async = false;
    request.oncomplete = this.#done;
    const status = this.#handle.writeBuffer(request, bytes);
    this.#finishCaptured();
    return status !== 0;
  }

  /** From Node 26, the callee creates the request if it needs one, and may complete it before it returns. */
  #writeReturned(bytes: Buffer): boolean {
    const result = this.#handle.writeBuffer(null, bytes);
    if (typeof result === 'number') {
      this.#completed = true;
    } else {
      result.handle = this.#handle;
      result.oncomplete = this.#done;
      result.async = true;
      result.buffer = bytes;
      if (typeof result.writeStatus === 'number') {
        const status = result.writeStatus;
        result.writeStatus = null;
        this.#done(status);
      }
    }
    this.#finishCaptured();
    return typeof result === 'number' ? result !== 0 : typeof result.error === 'string';
  }

  #finishCaptured(): void {
    const captured = this.#captured;
    if (!captured) return;
    this.#captured = undefined;
    this.#finish(captured);
  }

  readonly #done = (_status?: number): void => {
    this.#completed = true;
    if (!this.#inWrite) this.#onComplete();
  };

  #took(request: WriteRequest): void {
    if (this.#inWrite) {
      this.#captured = request;
    } else {
      this.#unfinished = request;
      setImmediate(() => this.#complete(request));
    }
  }

  #complete(request: WriteRequest): void {
    if (this.#unfinished !== request) return;
    this.#unfinished = undefined;
    this.#finish(request);
  }
}
