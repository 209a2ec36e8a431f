import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BodyTap, type RecordedBody, type RequestRecorder } from './recorder.ts';
import type { Visit } from './visit.ts';

interface Taps {
  readonly began: number;
  request: BodyTap | undefined;
  response: BodyTap | RecordedBody | undefined;
}

/** A member of fastify's own object: a separate table would add work to each garbage collection. */
const TAPS = Symbol('taps');
type Tapped = { [TAPS]?: Taps | null };
const tapsOf = (request: FastifyRequest): Taps | undefined => (request as Tapped)[TAPS] ?? undefined;

/** Records the requests to a site, for any HTTP version. The hooks use callbacks: each promise would cost every request a turn. */
export function recordSite(
  app: FastifyInstance,
  site: string,
  recorder: RequestRecorder,
  visitOf: (request: FastifyRequest) => Visit | undefined,
): void {
  app.decorateRequest(TAPS, null);
  app.addHook('onRequest', (request, _reply, done) => {
    (request as Tapped)[TAPS] = { began: recorder.now(), request: undefined, response: undefined };
    done();
  });
  if (recorder.bodyBytes > 0) tapBodies(app, recorder.bodyBytes);
  app.addHook('onResponse', (request, reply, done) => {
    const taps = tapsOf(request);
    if (taps !== undefined) {
      const { scheme = 'http', service = `${site}-http`, visitor } = visitOf(request) ?? {};
      recorder.add({
        began: taps.began,
        milliseconds: reply.elapsedTime,
        service,
        visitor,
        method: request.method,
        url: `${scheme}://${request.host}${request.url}`,
        version: `HTTP/${request.raw.httpVersion}`,
        requestHeaders: request.headers,
        requestBody: taps.request?.body ?? { size: lengthOf(request.headers['content-length'], 0), bytes: undefined },
        status: reply.statusCode,
        // HTTP/2 has none, and Node warns of the question.
        statusText: request.raw.httpVersionMajor < 2 ? (reply.raw.statusMessage ?? '') : '',
        responseHeaders: reply.getHeaders(),
        responseBody: responseBody(taps, reply),
      });
    }
    done();
  });
}

/** Records the beginning of each body. */
function tapBodies(app: FastifyInstance, most: number): void {
  app.addHook('preParsing', (request, _reply, payload, done) => {
    const taps = tapsOf(request);
    if (taps === undefined) {
      done(null, payload);
      return;
    }
    taps.request = new BodyTap(most);
    payload.once('error', (error: Error) => taps.request?.destroy(error));
    done(null, payload.pipe(taps.request));
  });
  app.addHook('onSend', (request, _reply, payload, done) => {
    const taps = tapsOf(request);
    if (taps !== undefined && (typeof payload === 'string' || Buffer.isBuffer(payload))) {
      taps.response = keptBody(payload, most);
    } else if (taps !== undefined && payload instanceof Readable) {
      const tap = new BodyTap(most);
      taps.response = tap;
      const source = payload;
      source.once('error', (error) => tap.destroy(error));
      tap.once('close', () => source.destroy());
      done(null, source.pipe(tap));
      return;
    }
    done(null, payload);
  });
}

/** A copy of the beginning, so that the record does not keep a larger block in memory. */
function keptBody(payload: string | Buffer, most: number): RecordedBody {
  const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload;
  const size = bytes.length;
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
