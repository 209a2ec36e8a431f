import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { FIRST_BODY_BYTES, MAX_DOWNLOAD_BYTES, MAX_HELD_BYTES, MAX_UPLOAD_BYTES } from './constants.ts';
import { HeldBodies } from './held-bodies.ts';
import { patternChunk } from './pattern.ts';
import { visitorOf } from './site.ts';

/** The test pattern from one offset to another, exclusive. */
export function* pattern(from: number, to: number, piece = Number.POSITIVE_INFINITY): Generator<Buffer> {
  for (let at = from; at < to; ) {
    const chunk = patternChunk(at, Math.min(to - at, piece));
    at += chunk.length;
    yield chunk;
  }
}

/** The test pattern as a stream. */
export const patternStream = (from: number, to: number): Readable =>
  Readable.from(pattern(from, to), { objectMode: false, highWaterMark: 1 << 18 });

/** Parses an integer within bounds from a path or a query; undefined for anything else. */
export function wholeNumber(text: string | undefined, minimum: number, maximum: number): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= minimum && value <= maximum ? value : undefined;
}

/** Responds with the problem of a request. */
export const refuse = (reply: FastifyReply, error: string, status = 400) =>
  reply.code(status).type('application/json; charset=utf-8').send({ error });

/** Parses a size from a path; undefined if the request was refused. */
export function sizeOf(text: string, reply: FastifyReply): number | undefined {
  const size = wholeNumber(text, 0, MAX_DOWNLOAD_BYTES);
  if (size === undefined) refuse(reply, `The size must be a whole number from 0 to ${MAX_DOWNLOAD_BYTES}.`);
  return size;
}

/** The body of a request, counted and hashed as it arrives. */
export async function receive(
  request: FastifyRequest,
): Promise<{ readonly bytes: number; readonly sha256: string } | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  if (request.body instanceof Readable) {
    for await (const chunk of request.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > MAX_UPLOAD_BYTES) return undefined;
      hash.update(chunk);
    }
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Those of this process, whose memory it is. */
export const heldBodies = new HeldBodies(MAX_HELD_BYTES);

/**
 * A small body as a whole; undefined if it is longer. Throws what fastify answers with 503 when too many bodies are under way.
 */
export async function bodyOf(request: FastifyRequest, maxBytes: number): Promise<Buffer | undefined> {
  if (!(request.body instanceof Readable)) return Buffer.alloc(0);
  const session = visitorOf(request)?.session;
  // In one piece: what comes byte by byte would take a hundred times its length in pieces.
  let memory = Buffer.alloc(0);
  let length = 0;
  try {
    for await (const chunk of request.body as AsyncIterable<Buffer>) {
      const needed = length + chunk.length;
      if (needed > maxBytes) return undefined;
      if (needed > memory.length) {
        const size = Math.min(maxBytes, Math.max(needed, 2 * memory.length, FIRST_BODY_BYTES));
        if (!heldBodies.take(session, size - memory.length)) throw tooMany();
        const before = memory;
        memory = Buffer.allocUnsafe(size);
        before.copy(memory, 0, 0, length);
      }
      chunk.copy(memory, length);
      length = needed;
    }
    return memory.subarray(0, length);
  } finally {
    heldBodies.release(session, memory.length);
  }
}

const tooMany = (): Error =>
  Object.assign(new Error('Too many large requests are under way. Send them one after the other.'), {
    statusCode: 503,
  });

/** `POST` and `PUT` routes that return the size and hash of the body. */
export function addUpload(app: FastifyInstance, url: string): void {
  app.route({
    method: ['POST', 'PUT'],
    url,
    bodyLimit: MAX_UPLOAD_BYTES,
    handler: async (request, reply) =>
      (await receive(request)) ?? refuse(reply, `The limit is ${MAX_UPLOAD_BYTES} bytes.`, 413),
  });
}

/** Delays a response; false if its client has left. */
export function pause(reply: FastifyReply, milliseconds: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve) => {
    const over = (): void => {
      timer.cancel();
      reply.raw.off('close', over);
      resolve(!reply.raw.destroyed);
    };
    const timer = clock.setTimer(milliseconds, over);
    reply.raw.once('close', over);
  });
}
