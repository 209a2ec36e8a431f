import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { html } from '../lib/html.ts';
import { Turns } from '../lib/turns.ts';
import { addUpload, pattern, patternStream, refuse, sizeOf, wholeNumber } from './content.ts';
import { page } from './page.ts';
import type { SiteTools } from './site.ts';

/** After this many bytes, hashing yields to other tasks: in each turn of the event loop, for all clients together. */
const HASH_TURN_BYTES = 4 * 1024 * 1024;

/** Allowed rates of `/slow`, in bytes per second. */
const RATES = { minimum: 1, fallback: 16_384, maximum: 1 << 30 } as const;

/**
 * Files of any size, with the same test pattern. Routes: `/bytes/:size` (with ranges, RFC 9110 §14), `/bytes/:size/sha256`,
 * `/chunked/:size` (without Content-Length; `?piece=` bytes at a time), `/slow/:size` (`?rate=` bytes per second), `/upload`.
 */
export function addFiles(app: FastifyInstance, { clock }: SiteTools): void {
  const hashing = new Turns();
  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(START));
  app.get<{ Params: { size: string } }>('/bytes/:size', async (request, reply) => {
    const size = sizeOf(request.params.size, reply);
    if (size === undefined) return reply;
    const tag = `"pattern-${size}"`;
    reply.type('application/octet-stream').header('accept-ranges', 'bytes').header('etag', tag);
    if (request.headers['if-none-match'] === tag) return reply.code(304).send();
    const condition = request.headers['if-range'];
    const range = condition === undefined || condition === tag ? rangeOf(request.headers.range, size) : undefined;
    if (range === 'none')
      return refuse(reply.header('content-range', `bytes */${size}`), 'The file ends before that range.', 416);
    const { from, to } = range ?? { from: 0, to: size };
    if (range) reply.code(206).header('content-range', `bytes ${from}-${to - 1}/${size}`);
    return reply.header('content-length', to - from).send(patternStream(from, to));
  });
  app.get<{ Params: { size: string } }>('/bytes/:size/sha256', async (request, reply) => {
    const size = sizeOf(request.params.size, reply);
    if (size === undefined) return reply;
    const hash = createHash('sha256');
    for (let at = 0; at < size; at += HASH_TURN_BYTES) {
      await hashing.run(async () => {
        for (const chunk of pattern(at, Math.min(size, at + HASH_TURN_BYTES))) hash.update(chunk);
        await new Promise((resolve) => setImmediate(resolve));
      });
      if (reply.raw.destroyed) return reply.hijack();
    }
    return { size, sha256: hash.digest('hex') };
  });
  app.get<{ Params: { size: string }; Querystring: { piece?: string } }>('/chunked/:size', async (request, reply) => {
    const size = sizeOf(request.params.size, reply);
    if (size === undefined) return reply;
    const piece = wholeNumber(request.query.piece ?? '16384', 1, 65_536);
    if (piece === undefined) return refuse(reply, 'A piece must have 1 to 65536 bytes.');
    return reply.type('application/octet-stream').send(Readable.from(pattern(0, size, piece), { objectMode: false }));
  });
  app.get<{ Params: { size: string }; Querystring: { rate?: string } }>('/slow/:size', async (request, reply) => {
    const size = sizeOf(request.params.size, reply);
    if (size === undefined) return reply;
    const rate = wholeNumber(request.query.rate ?? String(RATES.fallback), RATES.minimum, RATES.maximum);
    if (rate === undefined)
      return refuse(reply, `The rate must be from ${RATES.minimum} to ${RATES.maximum} bytes per second.`);
    const body = new Readable({ read() {} });
    let sent = 0;
    const tick = (): void => {
      timer = clock.setTimer(TICK_MS, tick);
      // A slower reader still sets the pace.
      if (body.readableLength > SLOW_QUEUE_BYTES) return;
      const piece = Math.min(size - sent, Math.max(1, Math.round((rate * TICK_MS) / 1_000)));
      for (const chunk of pattern(sent, sent + piece)) body.push(chunk);
      sent += piece;
      if (sent < size) return;
      timer.cancel();
      body.push(null);
    };
    let timer = clock.setTimer(TICK_MS, tick);
    body.once('close', () => timer.cancel());
    return reply.type('application/octet-stream').header('content-length', size).send(body);
  });
  addUpload(app, '/upload');
}

/** Interval of `/slow`, and the most bytes that may wait for the reader. */
const TICK_MS = 100;
const SLOW_QUEUE_BYTES = 1 << 20;

/** The range of a request; undefined if it asks for the whole file or the range is not supported (RFC 9110 §14.2); none if out of bounds. */
function rangeOf(
  header: string | undefined,
  size: number,
): { readonly from: number; readonly to: number } | 'none' | undefined {
  const found = /^bytes=(\d{0,16})-(\d{0,16})$/.exec(header ?? '');
  if (!found) return undefined;
  const [, first = '', last = ''] = found;
  if (first === '') {
    if (last === '') return undefined;
    const from = Math.max(0, size - Number(last));
    return from === size ? 'none' : { from, to: size };
  }
  const from = Number(first);
  if (last !== '' && Number(last) < from) return undefined;
  return from >= size ? 'none' : { from, to: last === '' ? size : Math.min(size, Number(last) + 1) };
}

const START = page(
  'Contoso Files',
  html`<p>Every file is a part of the same pattern, so that a lost, repeated or shifted block shows.</p>
<ul>
<li><a href="/bytes/1000000">/bytes/1000000</a>: so many bytes; takes ranges</li>
<li><a href="/bytes/1000000/sha256">/bytes/1000000/sha256</a>: their checksum</li>
<li><a href="/chunked/1000000?piece=1000">/chunked/1000000?piece=1000</a>: without a length in front</li>
<li><a href="/slow/100000?rate=20000">/slow/100000?rate=20000</a>: so many bytes per second</li>
<li><code>PUT /upload</code>: counts and hashes what is sent</li>
</ul>`,
);
