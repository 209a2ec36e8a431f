import { BodyReader, type Framing, framingOf } from './body.ts';
import type { Cursor } from './bytes.ts';
import { type Head, HeadReader } from './head.ts';
import { type HeaderLine, type HttpFault, type HttpLimits, headerValues } from './message.ts';
import { MAX_INTERIM } from './reader.ts';
import { type RequestLine, requestLine, type StatusLine, statusLine } from './start-lines.ts';

/** What there is of a body that passes. */
export interface WatchedBody {
  /** Bytes that came, without the sizes of chunks. */
  readonly size: number;
  /** Their beginning, as far as bodies are kept. */
  readonly beginning: Buffer;
}

/** One message as it passed. */
export type Watched<S> = S & { readonly headers: readonly HeaderLine[]; readonly body: WatchedBody };

/** A request, and what came of it. */
export interface WatchedExchange<T> {
  /** What `stamp` gave as the request began. */
  readonly began: T;
  readonly request: Watched<RequestLine>;
  /** Undefined: the connection ended before there was a whole head of an answer. */
  readonly response: Watched<StatusLine> | undefined;
  /** The answer came to its end. */
  readonly whole: boolean;
}

export interface WatchLimits extends Pick<HttpLimits, 'target' | 'head' | 'headerCount'> {
  /** Bytes of each body that are kept. */
  readonly body: number;
  /** Requests that wait for their answer (pipelining, RFC 9112 §9.3.2), and the bytes of their heads. */
  readonly pipelined: number;
  readonly pipelinedBytes: number;
}

interface WatchOptions<T> {
  readonly limits: WatchLimits;
  /** Asked when a request begins, for whoever wants to know when that was. */
  readonly stamp: () => T;
  readonly onExchange: (exchange: WatchedExchange<T>) => void;
}

const NO_BODY: Framing = { kind: 'length', length: 0 };
const UNTIL_CLOSE: Framing = { kind: 'close' };
const NOTHING: WatchedBody = { size: 0, beginning: Buffer.alloc(0) };

/** A body under way, or one that is over. */
class Passing {
  readonly #reader: BodyReader;

  constructor(framing: Framing, keep: number) {
    this.#reader = new BodyReader(framing, Number.POSITIVE_INFINITY, keep);
  }

  /** Undefined: there is more to come. */
  take(cursor: Cursor): WatchedBody | HttpFault | undefined {
    const read = this.#reader.read(cursor);
    if (read === undefined || 'reason' in read) return read;
    return { size: this.#reader.size, beginning: read };
  }

  get soFar(): WatchedBody {
    return { size: this.#reader.size, beginning: this.#reader.beginning() };
  }
}

/** A request that waits for its answer, or for the end of it. */
interface Asked<T> {
  readonly began: T;
  readonly head: Head<RequestLine>;
  readonly bytes: number;
  /** What follows a good answer is another protocol (RFC 9110 §7.8, §9.3.6). */
  readonly switches: boolean;
  body: WatchedBody | Passing;
}

const bodyOf = (body: WatchedBody | Passing): WatchedBody => (body instanceof Passing ? body.soFar : body);

/**
 * Watches both directions of a connection that may carry HTTP/1.1, beside the way of the bytes, and tells of each request with its answer. Of
 * what passes it keeps heads and the beginnings of bodies, within its limits. Whatever is no HTTP, or more than the limits allow, ends the watch:
 * it says nothing then, and looks at nothing any more.
 */
export class ExchangeWatch<T> {
  readonly #options: WatchOptions<T>;
  /** In the order of the requests, which is that of the answers. */
  #asked: Asked<T>[] = [];
  #askedBytes = 0;
  #requests: HeadReader<RequestLine>;
  #began: T | undefined;
  #responses: HeadReader<StatusLine>;
  /** The request whose body is passing. */
  #asking: Asked<T> | undefined;
  #answer: { readonly head: Head<StatusLine>; readonly body: Passing; readonly untilClose: boolean } | undefined;
  #interim = 0;
  #over = false;

  constructor(options: WatchOptions<T>) {
    this.#options = options;
    this.#requests = this.#requestHead();
    this.#responses = this.#responseHead();
  }

  /** Nothing is looked at any more. */
  get over(): boolean {
    return this.#over;
  }

  /** Bytes from the client. They are only read, and none of the memory is kept. */
  request(bytes: Buffer): void {
    const cursor = { bytes, at: 0 };
    while (!this.#over && cursor.at < bytes.length) this.#readRequest(cursor);
  }

  /** Bytes from the server. */
  response(bytes: Buffer): void {
    const cursor = { bytes, at: 0 };
    while (!this.#over && cursor.at < bytes.length) this.#readResponse(cursor);
  }

  /** The server has ended its side: the end of an answer that lasts until then. */
  responseEnd(): void {
    const answer = this.#answer;
    if (!this.#over && answer?.untilClose) this.#tell(answer.body.soFar, true);
  }

  /** The connection is gone: what has no answer, or not all of it, will not get one. */
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
    // Whether this is HTTP still is for the answer to say.
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
      // Nobody has asked for anything.
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

  /** The first request that waits has its answer. */
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

/** Bytes that a head keeps, about. */
function sizeOf({ start, headers }: Head<RequestLine>): number {
  return headers.reduce((sum, [name, value]) => sum + name.length + value.length, start.target.length);
}
