import { isUtf8 } from 'node:buffer';
import { Transform } from 'node:stream';
import type { Visitor } from '../lib/person.ts';

/** A recorded body. */
export interface RecordedBody {
  /** Bytes; -1 if unknown. */
  readonly size: number;
  /** Its beginning, if bodies are recorded; otherwise undefined. */
  readonly bytes: Buffer | undefined;
}

/** Headers in Node's format: a value is a string, a number or a list of these; includes HTTP/2 pseudo-headers (with a colon). */
export type RecordedHeaders = Readonly<Record<string, unknown>>;

/** One HTTP request to a mock site or an upstream, and its response. */
export interface RecordedExchange {
  /** Milliseconds since the Unix epoch. */
  readonly began: number;
  /** Duration until the response was sent. */
  readonly milliseconds: number;
  readonly service: string;
  readonly visitor: Visitor | undefined;
  readonly method: string;
  readonly url: string;
  /** `HTTP/1.1` */
  readonly version: string;
  readonly requestHeaders: RecordedHeaders;
  readonly requestBody: RecordedBody;
  /** 0: no response. */
  readonly status: number;
  readonly statusText: string;
  readonly responseHeaders: RecordedHeaders;
  readonly responseBody: RecordedBody;
  /** Why the response is missing or incomplete. */
  readonly failure?: string;
}

export interface RecorderOptions {
  /** Most exchanges to keep; the oldest are dropped first. */
  readonly capacity: number;
  /** Bytes to keep of each body; 0 = none. */
  readonly bodyBytes: number;
  /** Milliseconds since the Unix epoch, as in the journal. */
  readonly now: () => number;
}

/** The latest HTTP requests to the mock sites and to upstreams. Bounded: a maximum of requests, each with a limited part of its bodies. */
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
    // One splice per eighth of the capacity, so that a full list costs no shift for each request.
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

/** Passes a body through, counts it, and records its beginning. */
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
      // A copy, so that the record does not keep a larger block in memory.
      const part = Buffer.from(chunk.subarray(0, room));
      this.#kept.push(part);
      this.#keptBytes += part.length;
    }
    done(null, chunk);
  }
}

/** A body in HAR format: text if it is, else base64. */
export function bodyText(bytes: Buffer): { readonly text: string; readonly encoding?: 'base64' } {
  return isUtf8(bytes) ? { text: bytes.toString() } : { text: bytes.toString('base64'), encoding: 'base64' };
}
