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

/** A request keeps what is told of it: a weak map would cost as much as all the rest. */
const TAPS = Symbol('taps');
type Tapped = FastifyRequest & { [TAPS]?: Taps };

/** Has the requests to a site kept, whatever version of HTTP they came by. The hooks call back: each promise would be a turn for every request. */
export function recordSite(
  app: FastifyInstance,
  site: string,
  recorder: RequestRecorder,
  seenOf: (request: FastifyRequest) => Seen | undefined,
): void {
  const { bodyBytes } = recorder;
  app.decorateRequest(TAPS, undefined);
  app.addHook('onRequest', (request: Tapped, _reply, done) => {
    request[TAPS] = { began: recorder.now() };
    done();
  });
  if (bodyBytes > 0) {
    app.addHook('preParsing', (request: Tapped, _reply, payload, done) => {
      const taps = request[TAPS];
      if (taps === undefined) {
        done(null, payload);
        return;
      }
      taps.request = new BodyTap(bodyBytes);
      payload.once('error', (error: Error) => taps.request?.destroy(error));
      done(null, payload.pipe(taps.request));
    });
  }
  app.addHook('onSend', (request: Tapped, _reply, payload, done) => {
    const taps = request[TAPS];
    if (taps === undefined) {
      done(null, payload);
      return;
    }
    if (typeof payload === 'string' || Buffer.isBuffer(payload)) {
      taps.response = keptBody(payload, bodyBytes);
    } else if (payload instanceof Readable && bodyBytes > 0) {
      const tap = new BodyTap(bodyBytes);
      taps.response = tap;
      const source = payload;
      source.once('error', (error) => tap.destroy(error));
      tap.once('close', () => source.destroy());
      done(null, source.pipe(tap));
      return;
    }
    done(null, payload);
  });
  app.addHook('onResponse', (request: Tapped, reply, done) => {
    const taps = request[TAPS];
    const seen = seenOf(request);
    if (taps === undefined) {
      done();
      return;
    }
    const scheme = seen?.scheme ?? 'http';
    recorder.add({
      began: taps.began,
      milliseconds: reply.elapsedTime,
      service: `${site}-${scheme}`,
      visitor: seen?.visitor,
      method: request.method,
      url: `${scheme}://${request.host}${request.url}`,
      version: `HTTP/${request.raw.httpVersion}`,
      requestHeaders: request.headers,
      requestBody: taps.request?.body ?? { size: lengthOf(request.headers['content-length'], 0), bytes: undefined },
      status: reply.statusCode,
      statusText: reply.raw.statusMessage ?? '',
      responseHeaders: reply.getHeaders(),
      responseBody: responseBody(taps, reply),
    });
    done();
  });
}

/** A copy of the beginning: what is kept does not keep a larger block alive. */
function keptBody(payload: string | Buffer, most: number): RecordedBody {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const size = bytes.length;
  if (most === 0) return { size, bytes: undefined };
  return { size, bytes: typeof payload === 'string' && size <= most ? bytes : Buffer.from(bytes.subarray(0, most)) };
}

function responseBody({ response }: Taps, reply: FastifyReply): RecordedBody {
  if (response instanceof BodyTap) return response.body;
  return response ?? { size: lengthOf(reply.getHeader('content-length'), -1), bytes: undefined };
}

function lengthOf(value: unknown, otherwise: number): number {
  const length = value === undefined ? otherwise : Number(value);
  return Number.isSafeInteger(length) ? length : otherwise;
}
