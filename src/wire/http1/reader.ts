import { BodyReader, type Framing, framingOf } from './body.ts';
import type { Cursor } from './bytes.ts';
import { type Head, HeadReader, type StartLine, type StartLineFormat } from './head.ts';
import type { HttpFault, HttpLimits, HttpRequest, HttpResponse } from './message.ts';
import { type RequestLine, requestLine, type StatusLine, statusLine } from './start-lines.ts';

/** A whole message, the fault that ended the stream, or undefined if more bytes are needed. */
export type HttpReadResult<M> = { readonly message: M } | { readonly fault: HttpFault } | undefined;

/** Maximum number of interim responses (RFC 9110 §15.2) before the final one. */
export const MAX_INTERIM = 8;

const NO_BODY: Framing = { kind: 'length', length: 0 };
const UNTIL_CLOSE: Framing = { kind: 'close' };

/**
 * Splits a byte stream into messages, one at a time. The results do not depend on how the stream was split. Each byte is read once, when it
 * arrives. Memory is bounded by the limits and by what was fed since the last complete message.
 */
class MessageReader<S extends StartLine, M> {
  readonly #format: StartLineFormat<S>;
  readonly #limits: HttpLimits;
  readonly #frame: (head: Head<S>) => Framing | HttpFault;
  readonly #finish: (head: Head<S>, body: Buffer) => M | undefined;
  readonly #stemOf: (head: Head<S>) => S | undefined;
  /** Chunks that were fed and not fully read; the first is the current one. */
  readonly #chunks: Cursor[] = [];
  #reader: HeadReader<S>;
  #head: Head<S> | undefined;
  #body: BodyReader | undefined;
  #fault: HttpFault | undefined;

  constructor(
    format: StartLineFormat<S>,
    limits: HttpLimits,
    frame: (head: Head<S>) => Framing | HttpFault,
    finish: (head: Head<S>, body: Buffer) => M | undefined,
    stemOf: (head: Head<S>) => S | undefined = () => undefined,
  ) {
    this.#format = format;
    this.#limits = limits;
    this.#frame = frame;
    this.#finish = finish;
    this.#stemOf = stemOf;
    this.#reader = new HeadReader(format, limits);
  }

  /** The head of the current message, or of the one whose body has the fault; undefined before it is complete. */
  get head(): (S & Pick<Head<S>, 'headers'>) | undefined {
    return this.#head && { ...this.#head.start, headers: this.#head.headers };
  }

  /** Adds bytes, which `next` reads. After a fault, bytes are ignored. */
  feed(bytes: Buffer): void {
    if (!this.#fault && bytes.length > 0) this.#chunks.push({ bytes, at: 0 });
  }

  /** The next whole message, the fault that ended the stream, or undefined if more bytes are needed. */
  next(): HttpReadResult<M> {
    while (!this.#fault && this.#chunks.length > 0) {
      const cursor = this.#chunks[0]!;
      const message = this.#read(cursor);
      if (cursor.at >= cursor.bytes.length) this.#chunks.shift();
      if (message !== undefined) return { message };
    }
    return this.#fault && { fault: this.#fault };
  }

  /** Call when the connection has ended: returns the message that lasts until then, if there is one. */
  end(): HttpReadResult<M> {
    const result = this.next();
    if (result || !this.#head || !this.#body) return result;
    const body = this.#body.end();
    const message = body && this.#complete(this.#head, body);
    return message === undefined ? undefined : { message };
  }

  /** All bytes after the last message; the reader is empty afterward. */
  rest(): Buffer {
    const rest = this.#chunks.splice(0).map(({ bytes, at }) => bytes.subarray(at));
    return rest.length === 1 ? rest[0]! : Buffer.concat(rest);
  }

  #read(cursor: Cursor): M | undefined {
    if (!this.#head || !this.#body) {
      const head = this.#reader.read(cursor);
      if (!head) return undefined;
      if ('reason' in head) return this.#fail(head);
      const framing = this.#frame(head);
      this.#head = head;
      if ('reason' in framing) return this.#fail(framing);
      this.#body = new BodyReader(framing, this.#limits.body);
    }
    const body = this.#body.read(cursor);
    if (!body) return undefined;
    return 'reason' in body ? this.#fail(body) : this.#complete(this.#head, body);
  }

  #complete(head: Head<S>, body: Buffer): M | undefined {
    this.#head = undefined;
    this.#body = undefined;
    this.#reader = new HeadReader(this.#format, this.#limits, this.#stemOf(head));
    return this.#finish(head, body);
  }

  #fail(fault: HttpFault): undefined {
    this.#fault = fault;
    this.#chunks.length = 0;
    this.#body = undefined;
    return undefined;
  }
}

/** Used as the start line for the rest of a split head. */
const REST: RequestLine = { method: '', target: '', version: '1.1' };

/** The head has no body, and its last header has the value that may have included the empty line. */
const mayHaveRest = ({ headers }: Head<RequestLine>): boolean =>
  headers.at(-1)?.[0] === 'authorization' &&
  !headers.some(([name]) => name === 'content-length' || name === 'transfer-encoding');

/**
 * Reads requests. A request with the method CONNECT has no body, whatever its headers: another protocol follows it.
 *
 * A client that puts a token file ending with CR LF into a header, as openconnect does, sends an empty line after the token, and then the
 * rest of the head and the body. This cannot be a request, since its first line has a colon within the method, so it is skipped, and the
 * connection continues.
 */
export class RequestReader extends MessageReader<RequestLine, HttpRequest> {
  constructor(limits: HttpLimits) {
    super(
      requestLine,
      limits,
      ({ start, headers }) => (start.method === 'CONNECT' ? NO_BODY : framingOf(headers, limits.body, NO_BODY)),
      ({ start, headers }, body) => (start === REST ? undefined : { ...start, headers, body }),
      (head) => (mayHaveRest(head) ? REST : undefined),
    );
  }
}

/**
 * Reads responses to requests of one method. A response without a length lasts until the end of the connection (`end`), except for CONNECT,
 * where only the head counts, and another protocol follows a successful one.
 */
export class ResponseReader extends MessageReader<StatusLine, HttpResponse> {
  constructor(method: string, limits: HttpLimits) {
    let interim = 0;
    super(
      statusLine,
      limits,
      ({ start: { status }, headers }) => {
        if (status < 200 && ++interim > MAX_INTERIM) {
          return { reason: 'malformed', explanation: `More than ${MAX_INTERIM} interim responses were received.` };
        }
        const bodiless = status < 200 || status === 204 || status === 304 || method === 'HEAD';
        if (bodiless || (method === 'CONNECT' && status < 300)) return NO_BODY;
        return framingOf(headers, limits.body, method === 'CONNECT' ? NO_BODY : UNTIL_CLOSE);
      },
      ({ start, headers }, body) => (start.status < 200 ? undefined : { ...start, headers, body }),
    );
  }
}
