import { version } from '../lib/version.ts';
import { bodyText, type RecordedExchange, type RecordedHeaders } from './recorder.ts';

interface Named {
  readonly name: string;
  readonly value: string;
}

/** A HAR 1.2 document (http://www.softwareishard.com/blog/har-12-spec/), as browsers and other tools read it. */
export interface Har {
  readonly log: {
    readonly version: '1.2';
    readonly creator: { readonly name: string; readonly version: string };
    readonly entries: readonly object[];
  };
}

/** Headers that identify a user: their values are omitted. */
const SECRET = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
const HIDDEN = '(not shown)';

/** The requests as a HAR. Members with a leading underscore are ours: the connect request, session and user of each. */
export function harOf(exchanges: readonly RecordedExchange[]): Har {
  return { log: { version: '1.2', creator: { name: 'Tunnelite', version }, entries: exchanges.map(entryOf) } };
}

function entryOf(one: RecordedExchange): object {
  const { visitor, requestBody, responseBody } = one;
  const mimeType = headerOf(one.responseHeaders, 'content-type') ?? 'application/octet-stream';
  return {
    startedDateTime: new Date(one.began).toISOString(),
    time: one.milliseconds,
    request: {
      method: one.method,
      url: one.url,
      httpVersion: one.version,
      cookies: [],
      headers: named(one.requestHeaders),
      queryString: queryOf(one.url),
      ...(requestBody.bytes?.length
        ? {
            postData: {
              mimeType: headerOf(one.requestHeaders, 'content-type') ?? 'application/octet-stream',
              params: [],
              text: bodyText(requestBody.bytes).text,
            },
          }
        : {}),
      headersSize: -1,
      bodySize: requestBody.size,
    },
    response: {
      status: one.status,
      statusText: one.statusText,
      httpVersion: one.version,
      cookies: [],
      headers: named(one.responseHeaders),
      content: {
        size: Math.max(0, responseBody.size),
        mimeType,
        ...(responseBody.bytes === undefined ? {} : bodyText(responseBody.bytes)),
      },
      redirectURL: headerOf(one.responseHeaders, 'location') ?? '',
      headersSize: -1,
      bodySize: responseBody.size,
      ...(one.failure === undefined ? {} : { _error: one.failure }),
    },
    cache: {},
    timings: { send: 0, wait: one.milliseconds, receive: 0 },
    ...(visitor === undefined
      ? {}
      : {
          serverIPAddress: visitor.destinationAddress,
          connection: String(visitor.sourcePort),
          _request: visitor.request ?? null,
          _session: visitor.session ?? null,
          _user: visitor.person?.signInName ?? visitor.person?.username ?? null,
        }),
    _service: one.service,
  };
}

function pairsOf(headers: RecordedHeaders): Named[] {
  const pairs: Named[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (value === undefined || name.startsWith(':')) continue;
    for (const one of Array.isArray(value) ? value : [value]) pairs.push({ name, value: String(one) });
  }
  return pairs;
}

const named = (headers: RecordedHeaders): Named[] =>
  pairsOf(headers).map(({ name, value }) => ({ name, value: SECRET.has(name.toLowerCase()) ? HIDDEN : value }));

function headerOf(headers: RecordedHeaders, wanted: string): string | undefined {
  return pairsOf(headers).find(({ name }) => name.toLowerCase() === wanted)?.value;
}

function queryOf(url: string): Named[] {
  const start = url.indexOf('?');
  return start < 0 ? [] : Array.from(new URLSearchParams(url.slice(start + 1)), ([name, value]) => ({ name, value }));
}
