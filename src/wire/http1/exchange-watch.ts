import { BodyReader, type Framing, framingOf } from './body.ts';
import type { Cursor } from './bytes.ts';
import { type Head, HeadReader } from './head.ts';
import { type HeaderLine, type HttpFault, type HttpLimits, headerValues } from './message.ts';
import { MAX_INTERIM } from './reader.ts';
import { type RequestLine, requestLine, type StatusLine, statusLine } from './start-lines.ts';

/** The observed part of a message body. */
export interface WatchedBody {
  /** Number of bytes received, without chunk sizes. */
  readonly size: number;
  /** The first bytes, as many as are kept. */
  readonly beginning: Buffer;
}

/** One message as observed. */
export type Watched<S> = S & { readonly headers: readonly HeaderLine[]; readonly body: WatchedBody };

/** A request and its outcome. */
export interface WatchedExchange<T> {
  /** The value of `stamp` when the request began. */
  readonly began: T;
  readonly request: Watched<RequestLine>;
  /** Undefined: the connection ended before the response had a complete head. */
  readonly response: Watched<StatusLine> | undefined;
  /** The response is complete. */
  readonly whole: boolean;
}

export interface WatchLimits extends Pick<HttpLimits, 'target' | 'head' | 'headerCount'> {
  /** Number of bytes of each body to keep. */
  readonly body: number;
  /** Maximum number of requests that wait for their response (pipelining, RFC 9112 §9.3.2), and of the bytes of their heads. */
  readonly pipelined: number;
  readonly pipelinedBytes: number;
}

interface WatchOptions<T> {
  readonly limits: WatchLimits;
  /** Called when a request begins; the exchange gets the result. */
  readonly stamp: () => T;
  readonly onExchange: (exchange: WatchedExchange<T>) => void;
}

const NO_BODY: Framing = { kind: 'length', length: 0 };
const UNTIL_CLOSE: Framing = { kind: 'close' };
const NOTHING: WatchedBody = { size: 0, beginning: Buffer.alloc(0) };

/** A body that is being received, or complete. */
class Passing {
  readonly #reader: BodyReader;

  constructor(framing: Framing, keep: number) {
    this.#reader = new BodyReader(framing, Number.POSITIVE_INFINITY, keep);
  }

  /** Undefined: more bytes will follow. */
  take(cursor: Cursor): WatchedBody | HttpFault | undefined {
    const read = this.#reader.read(cursor);
    if (read === undefined || 'reason' in read) return read;
    return { size: this.#reader.size, beginning: read };
  }

  get soFar(): WatchedBody {
    return { size: this.#reader.size, beginning: this.#reader.beginning() };
  }
}

/** A request that waits for its response, or for the end of it. */
interface Asked<T> {
  readonly began: T;
  readonly head: Head<RequestLine>;
  readonly bytes: number;
  /** Whether another protocol follows a successful response (RFC 9110 §7.8, §9.3.6). */
  readonly switches: boolean;
  body: WatchedBody | Passing;
}

const bodyOf = (body: WatchedBody | Passing): WatchedBody => (body instanceof Passing ? body.soFar : body);

/**
 * Observes both directions of a connection that may carry HTTP/1.1, without affecting its bytes, and reports each request with its
 * response. It keeps heads and the first bytes of bodies, within its limits. Input that is not HTTP or exceeds the limits ends the
 * observation: nothing more is read or reported.
 */
export class ExchangeWatch<T> {
  readonly #options: WatchOptions<T>;
  /** In the order of the requests, which is also that of the responses. */
  #asked: Asked<T>[] = [];
  #askedBytes = 0;
  #requests: HeadReader<RequestLine>;
  #began: T | undefined;
  #responses: HeadReader<StatusLine>;
  /** The request whose body is being received. */
  #asking: Asked<T> | undefined;
  #answer: { readonly head: Head<StatusLine>; readonly body: Passing; readonly untilClose: boolean } | undefined;
  #interim = 0;
  #over = false;

  constructor(options: WatchOptions<T>) {
    this.#options = options;
    this.#requests = this.#requestHead();
    this.#responses = this.#responseHead();
  }

  /** Whether the observation has ended. */
  get over(): boolean {
    return this.#over;
  }

  /** Processes bytes from the client, without changing them or keeping the memory. */
  request(bytes: Buffer): void {
    const cursor = { bytes, at: 0 };
    while (!this.#over && cursor.at < bytes.length) this.#readRequest(cursor);
  }

  /** Processes bytes from the server. */
  response(bytes: Buffer): void {
    const cursor = { bytes, at: 0 };
    while (!this.#over && cursor.at < bytes.length) this.#readResponse(cursor);
  }

  /** Call when the server has ended its side: ends a response that lasts until then. */
  responseEnd(): void {
    const answer = this.#answer;
    if (!this.#over && answer?.untilClose) this.#tell(answer.body.soFar, true);
  }

  /** Call when the connection is closed: incomplete requests will get no response. */
  close(): void {
    if (this.#over) return;
    if (this.#answer) this.#tell(this.#answer.body.soFar, false);
    for (const asked of this.#asked) this.#options.onExchange(exchangeOf(asked, undefined, false));
    this.#end();
  }

  #requestHead(): HeadReader<RequestLine> {
    return new HeadReader(requestLine, { ...this.#options.limits, body: Number.POSITIVE_INFINITY });
  }

  #responseHead(): HeadReader<StatusLine> {
    return new HeadReader(statusLine, { ...this.#options.limits, body: Number.POSITIVE_INFINITY });
  }

  #readRequest(cursor: Cursor): void {
    const asking = this.#asking;
    if (asking?.body instanceof Passing) {
      const body = asking.body.take(cursor);
      if (body === undefined) return;
      if ('reason' in body) {
        this.#end();
        return;
      }
      asking.body = body;
      this.#asking = undefined;
      return;
    }
    // The response determines whether HTTP continues.
    if (this.#asked.at(-1)?.switches) {
      this.#end();
      return;
    }
    this.#began ??= this.#options.stamp();
    const head = this.#requests.read(cursor);
    if (head === undefined) return;
    if ('reason' in head) this.#end();
    else this.#ask(head, this.#began);
  }

  #ask(head: Head<RequestLine>, began: T): void {
    const { limits } = this.#options;
    const connects = head.start.method === 'CONNECT';
    const framing = connects ? NO_BODY : framingOf(head.headers, Number.POSITIVE_INFINITY, NO_BODY);
    const bytes = sizeOf(head);
    this.#askedBytes += bytes;
    if ('reason' in framing || this.#asked.length >= limits.pipelined || this.#askedBytes > limits.pipelinedBytes) {
      this.#end();
      return;
    }
    const none = framing.kind === 'length' && framing.length === 0;
    const switches = connects || headerValues(head.headers, 'upgrade').length > 0;
    const asked: Asked<T> = { began, head, bytes, switches, body: none ? NOTHING : new Passing(framing, limits.body) };
    this.#asked.push(asked);
    if (!none) this.#asking = asked;
    this.#requests = this.#requestHead();
    this.#began = undefined;
  }

  #readResponse(cursor: Cursor): void {
    const answer = this.#answer;
    if (answer) {
      const body = answer.body.take(cursor);
      if (body === undefined) return;
      if ('reason' in body) this.#end();
      else this.#tell(body, true);
      return;
    }
    const asked = this.#asked[0];
    const head = asked && this.#responses.read(cursor);
    if (head === undefined) {
      // There is no request for this response.
      if (asked === undefined) this.#end();
      return;
    }
    if ('reason' in head) {
      this.#end();
      return;
    }
    this.#responses = this.#responseHead();
    const { status } = head.start;
    if (status < 200 && status !== 101) {
      if (++this.#interim > MAX_INTERIM) this.#end();
      return;
    }
    this.#interim = 0;
    const framing = answerFraming(asked!.head.start.method, head);
    if ('reason' in framing) {
      this.#end();
      return;
    }
    const body = new Passing(framing, this.#options.limits.body);
    this.#answer = { head, body, untilClose: framing.kind === 'close' };
    if (framing.kind === 'length' && framing.length === 0) this.#tell(NOTHING, true);
    if (status === 101 || (asked!.head.start.method === 'CONNECT' && status < 300)) this.#end();
  }

  /** The first waiting request has its response. */
  #tell(body: WatchedBody, whole: boolean): void {
    const asked = this.#asked.shift()!;
    const { start, headers } = this.#answer!.head;
    this.#askedBytes -= asked.bytes;
    this.#answer = undefined;
    this.#options.onExchange(exchangeOf(asked, { ...start, headers, body }, whole));
  }

  #end(): void {
    this.#over = true;
    this.#asked = [];
    this.#asking = undefined;
    this.#answer = undefined;
    this.#requests = this.#requestHead();
    this.#responses = this.#responseHead();
  }
}

/** RFC 9112 §6.3. */
function answerFraming(method: string, { start: { status }, headers }: Head<StatusLine>): Framing | HttpFault {
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return NO_BODY;
  if (method === 'CONNECT' && status < 300) return NO_BODY;
  return framingOf(headers, Number.POSITIVE_INFINITY, UNTIL_CLOSE);
}

function exchangeOf<T>(asked: Asked<T>, response: Watched<StatusLine> | undefined, whole: boolean): WatchedExchange<T> {
  const { began, head, body } = asked;
  return { began, request: { ...head.start, headers: head.headers, body: bodyOf(body) }, response, whole };
}

/** Approximate number of bytes that a head uses. */
function sizeOf({ start, headers }: Head<RequestLine>): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length, start.target.length);
}
