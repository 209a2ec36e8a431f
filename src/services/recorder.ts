import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import type { Visitor } from '../lib/person.ts';

/** What there is of a body. */
export interface RecordedBody {
  /** Bytes; -1 when nobody counted. */
  readonly size: number;
  /** Its beginning, as far as bodies are kept; undefined when they are not. */
  readonly bytes: Buffer | undefined;
}

/** Headers as Node has them: a value is a text, a number or a list of these, and those of HTTP/2 that begin with a colon are among them. */
export type RecordedHeaders = Readonly<Record<string, unknown>>;

/** One HTTP request to a mock site or an upstream, and its answer. */
export interface RecordedExchange {
  /** Milliseconds since the Unix epoch. */
  readonly began: number;
  /** Until the answer was sent. */
  readonly milliseconds: number;
  readonly service: string;
  readonly visitor: Visitor | undefined;
  readonly method: string;
  readonly url: string;
  /** `HTTP/1.1` */
  readonly version: string;
  readonly requestHeaders: RecordedHeaders;
  readonly requestBody: RecordedBody;
  /** 0: none came. */
  readonly status: number;
  readonly statusText: string;
  readonly responseHeaders: RecordedHeaders;
  readonly responseBody: RecordedBody;
  /** Why there is no answer, or not all of one. */
  readonly failure?: string;
}

export interface RecorderOptions {
  /** Exchanges that are kept; the oldest go first. */
  readonly capacity: number;
  /** Bytes of each body that are kept; 0 = none. */
  readonly bodyBytes: number;
  /** Milliseconds since the Unix epoch, as the journal has them. */
  readonly now: () => number;
}

/** The last HTTP requests to the mock sites and to upstreams. What is kept is bounded: so many, each with so much of its bodies. */
export class RequestRecorder {
  readonly bodyBytes: number;
  readonly now: () => number;
  readonly #capacity: number;
  #exchanges: RecordedExchange[] = [];

  constructor({ capacity, bodyBytes, now }: RecorderOptions) {
    this.#capacity = capacity;
    this.bodyBytes = bodyBytes;
    this.now = now;
  }

  get enabled(): boolean {
    return this.#capacity > 0;
  }

  add(exchange: RecordedExchange): void {
    this.#exchanges.push(exchange);
    // One splice each eighth of the capacity, so that a full list costs no shift for each request.
    if (this.#exchanges.length > this.#capacity + (this.#capacity >> 3)) {
      this.#exchanges = this.#exchanges.slice(-this.#capacity);
    }
  }

  /** Oldest first. */
  list(): readonly RecordedExchange[] {
    return this.#exchanges.slice(-this.#capacity);
  }

  clear(): void {
    this.#exchanges = [];
  }
}

/** Lets a body through, counts it, and keeps its beginning. */
export class BodyTap extends Transform {
  readonly #limit: number;
  readonly #kept: Buffer[] = [];
  #keptBytes = 0;
  #size = 0;

  constructor(limit: number) {
    super();
    this.#limit = limit;
  }

  get body(): RecordedBody {
    return { size: this.#size, bytes: Buffer.concat(this.#kept) };
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: (error: null, chunk: Buffer) => void): void {
    this.#size += chunk.length;
    const room = this.#limit - this.#keptBytes;
    if (room > 0) {
      // A copy: what is kept does not keep a larger block alive.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#kept.push(part);
      this.#keptBytes += part.length;
    }
    done(null, chunk);
  }
}

/** A body as HAR has it: text where it is that, else base64. */
export function bodyText(bytes: Buffer): { readonly text: string; readonly encoding?: 'base64' } {
  return isUtf8(bytes) ? { text: bytes.toString() } : { text: bytes.toString('base64'), encoding: 'base64' };
}
