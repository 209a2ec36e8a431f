import type { Clock } from '../lib/clock.ts';
import type { ConnectionWatch } from '../lib/connection-watch.ts';
import { endpointText } from '../lib/endpoint.ts';
import type { Visitor } from '../lib/person.ts';
import { ExchangeWatch, type HeaderLine, type WatchedBody, type WatchedExchange } from '../wire/http1/index.ts';
import { MAX_WATCHED_CONNECTIONS, WATCHED_HEADS } from './constants.ts';
import type { RecordedBody, RecordedHeaders, RequestRecorder } from './recorder.ts';

/** Start of a request. */
interface Stamp {
  /** Milliseconds since the Unix epoch. */
  readonly wall: number;
  readonly at: number;
}

/**
 * Records plain HTTP requests to upstreams by observing the bytes, which pass unchanged. For connections that are
 * not HTTP/1.1, it reads only the first bytes. Its memory is bounded: a maximum of connections, limited heads, and of bodies only what
 * the recorder keeps.
 */
export class UpstreamRecorder {
  readonly #recorder: RequestRecorder;
  readonly #clock: Clock;
  #watched = 0;

  /** @param clock of the machine, for durations */
  constructor(recorder: RequestRecorder, clock: Clock) {
    this.#recorder = recorder;
    this.#clock = clock;
  }

  /**
   * Starts observing a connection.
   * @param service name of the service in the records
   * @returns undefined if nothing is recorded, or the maximum number of connections is reached
   */
  watch(visitor: Visitor, service: string): ConnectionWatch | undefined {
    const recorder = this.#recorder;
    if (!recorder.enabled || this.#watched >= MAX_WATCHED_CONNECTIONS) return undefined;
    this.#watched++;
    const clock = this.#clock;
    const watch = new ExchangeWatch({
      limits: { ...WATCHED_HEADS, body: recorder.bodyBytes },
      stamp: () => ({ wall: recorder.now(), at: clock.monotonic() }),
      onExchange: (exchange) => this.#keep(exchange, visitor, service),
    });
    let open = true;
    const leave = (): void => {
      if (open) this.#watched--;
      open = false;
    };
    const look = (see: () => void): void => {
      see();
      if (watch.over) leave();
    };
    return {
      get over() {
        return watch.over;
      },
      fromClient: (bytes) => look(() => watch.request(bytes)),
      fromServer: (bytes) => look(() => watch.response(bytes)),
      serverEnded: () => watch.responseEnd(),
      close: () => {
        leave();
        watch.close();
      },
    };
  }

  #keep({ began, request, response, whole }: WatchedExchange<Stamp>, visitor: Visitor, service: string): void {
    const recorder = this.#recorder;
    const keeps = recorder.bodyBytes > 0;
    const requestHeaders = headersOf(request.headers);
    recorder.add({
      began: began.wall,
      milliseconds: this.#clock.monotonic() - began.at,
      service,
      visitor,
      method: request.method,
      url: urlOf(request.target, requestHeaders.host, visitor),
      version: `HTTP/${request.version}`,
      requestHeaders,
      requestBody: bodyOf(request.body, keeps),
      status: response?.status ?? 0,
      statusText: response?.text ?? '',
      responseHeaders: response ? headersOf(response.headers) : {},
      responseBody: response ? bodyOf(response.body, keeps) : { size: -1, bytes: undefined },
      ...(whole ? {} : { failure: response ? CUT : UNANSWERED }),
    });
  }
}

const CUT = 'The connection ended before the answer was complete.';
const UNANSWERED = 'The connection ended before an answer.';

const bodyOf = ({ size, beginning }: WatchedBody, keeps: boolean): RecordedBody => ({
  size,
  bytes: keeps ? beginning : undefined,
});

/** In Node's format. */
function headersOf(lines: readonly HeaderLine[]): RecordedHeaders {
  const headers: Record<string, string | string[]> = Object.create(null);
  for (const [name, value] of lines) {
    const before = headers[name];
    if (before === undefined) headers[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else headers[name] = [before, value];
  }
  return headers;
}

/** The absolute URL of a request, from its target and host (RFC 9112 §3.3). */
function urlOf(target: string, host: unknown, visitor: Visitor): string {
  const whole = /^https?:\/\//i.test(target)
    ? target
    : `http://${String(host)}${target.startsWith('/') ? '' : '/'}${target}`;
  if (typeof host === 'string' && URL.canParse(whole)) return whole;
  const there = endpointText(visitor.destinationAddress, visitor.destinationPort);
  const fallback = `http://${there}${target.startsWith('/') ? '' : '/'}${target}`;
  return URL.canParse(fallback) ? fallback : `http://${there}/`;
}
