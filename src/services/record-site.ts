import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Visitor } from '../lib/person.ts';
import { BodyTap, type RecordedBody, type RequestRecorder } from './recorder.ts';

interface Seen {
  readonly visitor: Visitor | undefined;
  readonly scheme: 'http' | 'https';
}

interface Taps {
  readonly began: number;
  request?: BodyTap;
  response?: BodyTap | RecordedBody;
}

/** Has the requests to a site kept, whatever version of HTTP they came by. */
export function recordSite(
  app: FastifyInstance,
  site: string,
  recorder: RequestRecorder,
  seenOf: (request: FastifyRequest) => Seen | undefined,
): void {
  const all = new WeakMap<FastifyRequest, Taps>();
  const { bodyBytes } = recorder;
  app.addHook('onRequest', async (request) => void all.set(request, { began: recorder.now() }));
  if (bodyBytes > 0) {
    app.addHook('preParsing', async (request, _reply, payload) => {
      const taps = all.get(request);
      if (taps === undefined) return payload;
      taps.request = new BodyTap(bodyBytes);
      payload.once('error', (error: Error) => taps.request?.destroy(error));
      return payload.pipe(taps.request);
    });
  }
  app.addHook('onSend', async (request, _reply, payload) => {
    const taps = all.get(request);
    if (taps === undefined) return payload;
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
      const bytes = Buffer.from(payload);
      taps.response = {
        size: bytes.length,
        bytes: bodyBytes > 0 ? Buffer.from(bytes.subarray(0, bodyBytes)) : undefined,
      };
    } else if (payload instanceof Readable && bodyBytes > 0) {
      const tap = new BodyTap(bodyBytes);
      taps.response = tap;
      const source = payload;
      source.once('error', (error) => tap.destroy(error));
      tap.once('close', () => source.destroy());
      return source.pipe(tap);
    }
    return payload;
  });
  app.addHook('onResponse', async (request, reply) => {
    const taps = all.get(request);
    const seen = seenOf(request);
    if (taps === undefined) return;
    const scheme = seen?.scheme ?? 'http';
    recorder.add({
      began: taps.began,
      milliseconds: reply.elapsedTime,
      service: `${site}-${scheme}`,
      visitor: seen?.visitor,
      method: request.method,
      url: `${scheme}://${request.host}${request.url}`,
      version: `HTTP/${request.raw.httpVersion}`,
      requestHeaders: headerPairs(request.headers),
      requestBody: taps.request?.body ?? { size: lengthOf(request.headers['content-length'], 0), bytes: undefined },
      status: reply.statusCode,
      statusText: reply.raw.statusMessage ?? '',
      responseHeaders: headerPairs(reply.getHeaders()),
      responseBody: responseBody(taps, reply),
    });
  });
}

function responseBody({ response }: Taps, reply: FastifyReply): RecordedBody {
  if (response instanceof BodyTap) return response.body;
  return response ?? { size: lengthOf(reply.getHeader('content-length'), -1), bytes: undefined };
}

function lengthOf(value: unknown, otherwise: number): number {
  const length = value === undefined ? otherwise : Number(value);
  return Number.isSafeInteger(length) ? length : otherwise;
}

/** Headers of HTTP/2 that begin with a colon are no headers of the message. */
function headerPairs(headers: Readonly<Record<string, unknown>>): (readonly [string, string])[] {
  return Object.entries(headers)
    .filter(([name, value]) => value !== undefined && !name.startsWith(':'))
    .flatMap(([name, value]) => (Array.isArray(value) ? value : [value]).map((one) => [name, String(one)] as const));
}
