import type { TLSSocket } from 'node:tls';

/*
 * Writes to TLS that do not wait for one another. Node encrypts one native write request with one SSL_write, but lets it
 * complete only in an event loop turn of its own, and a second one must not be started before. So this stands between TLS and
 * the transport (`doWrite` of the stream wrapper that Node puts around a transport that is no socket), takes the ciphertext, and
 * completes the request at once. Then any number of writes is made in one turn.
 *
 * All of it is an inside of Node, and differs between its versions. Nothing here is used before a trial in this very process has
 * shown that it does what is expected (direct-trial.ts), and no native function is called in a way that Node itself was not seen
 * to call it, because a wrong argument there ends the process.
 */

interface WriteRequest {
  handle?: unknown;
  oncomplete?: (status: number) => void;
  async?: boolean;
  buffer?: Buffer;
  /** Node 26: the status of a request that completed before it was returned. */
  writeStatus?: number | null;
  /** Node: what OpenSSL said, when it refused. */
  error?: unknown;
}

/** `null` with Node 26, which makes the request itself and returns it. */
type WriteBuffer = (request: WriteRequest | null, data: Buffer) => number | WriteRequest;

interface TlsHandle {
  _parentWrap?: StreamWrapper;
  writeBuffer?: WriteBuffer;
}

interface StreamWrapper {
  doWrite?(request: WriteRequest, chunks: Buffer[]): number;
  _handle?: { finishWrite?(request: WriteRequest, status: number): void } | null;
}

/** How this Node's native write wants to be called: with a request of this class, or with none. */
export type WriteForm = (new () => WriteRequest) | null;

/** Where ciphertext goes. */
export interface CiphertextSink {
  collect(chunks: readonly Buffer[]): void;
}

const handleOf = (tls: TLSSocket): TlsHandle | undefined => (tls as unknown as { _handle?: TlsHandle })._handle;

/**
 * Observes the next ordinary write to a TLS connection and reports how Node performed it.
 * @returns false when Node has not the parts that are needed
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

/** One TLS connection that is written to without waiting. */
export class DirectPath {
  readonly #handle: TlsHandle & { writeBuffer: WriteBuffer };
  readonly #form: WriteForm;
  readonly #finish: (request: WriteRequest) => void;
  /** Told of a write that did not complete at once, when it does. */
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

  /** Takes a connection over, right after its socket was made; undefined when Node has not the parts that are needed. */
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

  /** Encrypts bytes, which may be used again afterwards. `Pending`: nothing may be written before `onComplete` is called. */
  write(bytes: Buffer): WriteOutcome {
    // Ciphertext of another origin (a session ticket, a key update) may be on its way: complete it, so that this one passes.
    while (this.#unfinished) this.#complete(this.#unfinished);
    this.#inWrite = true;
    this.#completed = false;
    const failed = this.#form ? this.#writeGiven(this.#form, bytes) : this.#writeReturned(bytes);
    this.#inWrite = false;
    if (failed) return WriteOutcome.Failed;
    return this.#completed ? WriteOutcome.Done : WriteOutcome.Pending;
  }

  /** Up to Node 25: the caller makes the request. */
  #writeGiven(WriteRequestClass: new () => WriteRequest, bytes: Buffer): boolean {
    const request = new WriteRequestClass();
    request.handle = this.#handle;
    request.async = false;
    request.oncomplete = this.#done;
    const status = this.#handle.writeBuffer(request, bytes);
    this.#finishCaptured();
    return status !== 0;
  }

  /** From Node 26 on: the callee makes the request, if it needs one, and may complete it before it returns it. */
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
