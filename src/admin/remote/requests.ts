import type { Writable } from 'node:stream';
import { ERROR_CODES, type ErrorCode, errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import { request as httpRequest } from '../../lib/node-http.ts';

/** Timeout of a response, in milliseconds, and its maximum size in bytes. */
const LIMITS = { timeout: 30_000, maxBytes: 256 * 1024 * 1024 } as const;

/** Longest message of a stream, in characters. */
const MAX_MESSAGE = 1024 * 1024;

/** Options of a request. */
export interface Asked {
  /** Default `GET`, or `POST` with a body. */
  readonly method?: string;
  readonly query?: URLSearchParams;
  readonly body?: unknown;
  /** Milliseconds. */
  readonly timeout?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Requests to the administration listener of one instance. Error responses become the errors that the instance's own process would throw. */
export class Requests {
  /** `http://127.0.0.1:8445` */
  readonly url: string;
  readonly #authorization: string;

  constructor(url: string, secret: string) {
    this.url = url.replace(/\/+$/, '');
    this.#authorization = `Bearer ${secret}`;
  }

  /**
   * Returns the instance's response, parsed as JSON.
   * @throws TunneliteError with the instance's code, or `ERR_REMOTE_UNREACHABLE`
   */
  async json<T>(path: string, asked: Asked = {}): Promise<T> {
    const text = await this.text(path, asked);
    return (text === '' ? undefined : JSON.parse(text)) as T;
  }

  /** Returns the response unparsed. */
  async text(path: string, { method, query, body, timeout = LIMITS.timeout, signal }: Asked = {}): Promise<string> {
    const answer = await exchange(this.#address(path, query), {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        authorization: this.#authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      maxBytes: LIMITS.maxBytes,
      timeout,
      signal,
    }).catch((cause: unknown) => {
      if (signal?.aborted) throw signal.reason;
      throw unreachable(this.url, cause);
    });
    const text = answer.body.toString('utf8');
    if (answer.status >= 400) throw refusal(answer.status, text, this.url);
    return text;
  }

  /**
   * Streams a response of any type to a destination and ends that. Resolves when complete, also when the signal
   * aborts it.
   * @throws TunneliteError as `json`
   */
  pipe(path: string, query: URLSearchParams, to: Writable, signal?: AbortSignal): Promise<void> {
    const outgoing = httpRequest(this.#address(path, query), { headers: { authorization: this.#authorization } });
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (to !== process.stdout) to.destroy();
        outgoing.destroy();
        reject(error);
      };
      to.once('error', fail);
      outgoing.on('error', (error) => fail(unreachable(this.url, error)));
      outgoing.on('response', (answer) => {
        if (answer.statusCode !== 200) {
          let text = '';
          answer.setEncoding('utf8').on('data', (chunk: string) => {
            text = (text + chunk).slice(0, MAX_MESSAGE);
          });
          answer.once('close', () => fail(refusal(answer.statusCode ?? 0, text, this.url)));
          return;
        }
        let aborted = false;
        const abort = (): void => {
          aborted = true;
          answer.destroy();
        };
        signal?.addEventListener('abort', abort, { once: true });
        answer.on('data', (chunk: Buffer) => {
          if (to.write(chunk)) return;
          answer.pause();
          to.once('drain', () => answer.resume());
        });
        answer.on('error', () => {});
        answer.once('close', () => {
          signal?.removeEventListener('abort', abort);
          const complete = answer.complete || aborted;
          const done = (): void =>
            complete
              ? resolve()
              : reject(unreachable(this.url, new Error('the connection was closed before the response was complete')));
          if (to === process.stdout) done();
          // Not as a callback of `end`: that is called for errors too, before the error event.
          else to.once('finish', done).end();
        });
        if (signal?.aborted) abort();
      });
      outgoing.end();
    });
  }

  /** Follows server-sent events: calls back with the data of each until the returned function is called or the instance stops. */
  stream(
    path: string,
    query: URLSearchParams,
    onData: (data: string) => void,
    onEnd: (error?: unknown) => void,
  ): () => void {
    const outgoing = httpRequest(this.#address(path, query), { headers: { authorization: this.#authorization } });
    let ended = false;
    const end = (error?: unknown): void => {
      if (ended) return;
      ended = true;
      outgoing.destroy();
      onEnd(error);
    };
    outgoing.on('error', (error) => end(unreachable(this.url, error)));
    outgoing.on('response', (answer) => {
      answer.setEncoding('utf8');
      let text = '';
      answer.on('error', () => end());
      answer.on('close', () =>
        end(answer.statusCode === 200 ? undefined : refusal(answer.statusCode ?? 0, text, this.url)),
      );
      answer.on('data', (chunk: string) => {
        text += chunk;
        if (answer.statusCode !== 200) return;
        let from = 0;
        for (let at = text.indexOf('\n\n', from); at >= 0 && !ended; at = text.indexOf('\n\n', from)) {
          const data = /^data: (.*)$/m.exec(text.slice(from, at));
          const named = text.startsWith('event: ', from);
          from = at + 2;
          if (data && !named) onData(data[1]!);
        }
        text = text.slice(from);
        if (text.length > MAX_MESSAGE) end(unreachable(this.url, new Error('a message has no end')));
      });
    });
    outgoing.end();
    return () => end();
  }

  #address(path: string, query: URLSearchParams | undefined): string {
    const text = query === undefined ? '' : String(query);
    return `${this.url}${path}${text === '' ? '' : `?${text}`}`;
  }
}

function unreachable(url: string, cause: unknown): TunneliteError {
  const why = isTunneliteError(cause) ? (cause.cause ?? cause) : cause;
  return new TunneliteError('ERR_REMOTE_UNREACHABLE', `There is no valid answer at ${url}: ${errorText(why)}.`, {
    cause,
  });
}

/** Converts the instance's error response to an error. */
function refusal(status: number, text: string, url: string): TunneliteError {
  const error = errorOf(text);
  if (error?.message === undefined) {
    return new TunneliteError('ERR_REMOTE_UNREACHABLE', `${url} answered ${status}, but it is not Tunnelite.`);
  }
  const code =
    error.code !== undefined && Object.hasOwn(ERROR_CODES, error.code) ? (error.code as ErrorCode) : 'ERR_INTERNAL';
  return new TunneliteError(code, error.message, {
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.details === undefined ? {} : { details: error.details }),
  });
}

interface Refusal {
  readonly code?: string;
  readonly message?: string;
  readonly hint?: string;
  readonly details?: Record<string, unknown>;
}

function errorOf(text: string): Refusal | undefined {
  try {
    return (JSON.parse(text) as { error?: Refusal } | null)?.error;
  } catch {
    return undefined;
  }
}
