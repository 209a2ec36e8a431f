import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { Clock, Timer } from '../lib/clock.ts';
import { html } from '../lib/html.ts';
import { MAX_DELAY_MS, MAX_MESSAGE_BYTES, MAX_REMEMBERED, POLL_MS } from './constants.ts';
import { bodyOf, refuse, wholeNumber } from './content.ts';
import { endReadably } from './last-words.ts';
import { page } from './page.ts';
import type { SiteTools } from './site.ts';

interface Message {
  readonly id: number;
  readonly text: string;
}

/** Longest message to keep, in bytes: there are up to a thousand. */
const MAX_TEXT_BYTES = 4_096;

/**
 * Streaming: `/events` (server-sent events: `?count=&interval=`, continues after `Last-Event-ID`), `/ws` (WebSocket, echoes each
 * message), `/poll?after=&timeout=` (waits for messages from `POST /messages`), `/http` (the HTTP version, 2 by ALPN).
 */
export function addStream(app: FastifyInstance, { onUpgrade, clock }: SiteTools): void {
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  let last = 0;

  app.get('/', async (_request, reply) => reply.type('text/html; charset=utf-8').send(START));
  app.get('/http', async (request) => ({ version: request.raw.httpVersion }));

  app.get<{ Querystring: { count?: string; interval?: string } }>('/events', async (request, reply) => {
    const count = wholeNumber(request.query.count ?? '10', 1, 1_000_000);
    const interval = wholeNumber(request.query.interval ?? '1000', 0, MAX_DELAY_MS);
    if (count === undefined || interval === undefined) {
      return refuse(reply, `“count” must be from 1 to 1000000, and “interval” from 0 to ${MAX_DELAY_MS} milliseconds.`);
    }
    const from = wholeNumber(header(request.headers['last-event-id']), 0, count) ?? 0;
    reply.hijack();
    const { raw } = reply;
    raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    let next = from;
    const send = (): void => {
      timer = undefined;
      // Sends the next event when the reader has room.
      while (next < count) {
        next += 1;
        const room = raw.write(`id: ${next}\nevent: tick\ndata: {"number":${next},"of":${count}}\n\n`);
        if (!room) {
          raw.once('drain', send);
          return;
        }
        if (next < count) {
          timer = clock.setTimer(interval, send);
          return;
        }
      }
      raw.end();
    };
    let timer: Timer | undefined = clock.setTimer(0, send);
    raw.once('close', () => {
      timer?.cancel();
      raw.off('drain', send);
    });
    return reply;
  });

  app.post('/messages', async (request, reply) => {
    const body = await bodyOf(request, MAX_TEXT_BYTES);
    if (!body) return refuse(reply, `A message has at most ${MAX_TEXT_BYTES} bytes.`, 413);
    last += 1;
    messages.push({ id: last, text: body.toString() });
    if (messages.length > MAX_REMEMBERED) messages.shift();
    for (const wake of waiting) wake();
    return reply.code(201).send({ id: last });
  });
  app.get<{ Querystring: { after?: string; timeout?: string } }>('/poll', async (request, reply) => {
    const after = wholeNumber(request.query.after ?? String(last), 0, Number.MAX_SAFE_INTEGER);
    const timeout = wholeNumber(request.query.timeout ?? String(POLL_MS), 0, MAX_DELAY_MS);
    if (after === undefined || timeout === undefined) {
      return refuse(
        reply,
        `“after” is the id of a message, and “timeout” must be from 0 to ${MAX_DELAY_MS} milliseconds.`,
      );
    }
    const news = (): Message[] => messages.filter(({ id }) => id > after);
    if (news().length === 0) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          timer.cancel();
          waiting.delete(wake);
          resolve();
        };
        const timer = clock.setTimer(timeout, wake);
        waiting.add(wake);
        reply.raw.once('close', wake);
      });
    }
    if (reply.raw.destroyed) return reply.hijack();
    return { last, messages: news() };
  });
  app.addHook('preClose', async () => {
    for (const wake of waiting) wake();
  });

  onUpgrade((request, stream, head) => void upgrade(request, stream, head, clock));
}

const header = (value: string | string[] | undefined): string | undefined => (Array.isArray(value) ? value[0] : value);

type SocketServer = import('ws').WebSocketServer;
let sockets: Promise<SocketServer> | undefined;

/** Echoes each WebSocket message (RFC 6455). */
async function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, clock: Clock): Promise<void> {
  if (request.url?.split('?')[0] !== '/ws') {
    stream.write('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    endReadably(stream, clock);
    return;
  }
  sockets ??= import('ws').then(
    ({ WebSocketServer }) => new WebSocketServer({ noServer: true, maxPayload: MAX_MESSAGE_BYTES }),
  );
  const server = await sockets;
  if (stream.destroyed) return;
  server.handleUpgrade(request, stream, head, (socket) => {
    socket.on('error', () => socket.terminate());
    socket.on('message', (data, binary) => {
      // One message at a time: a client that does not read the echoes cannot send more.
      socket.pause();
      socket.send(data, { binary }, () => socket.resume());
    });
  });
}

const START = page(
  'Contoso Stream',
  html`<ul>
<li><a href="/events?count=5&amp;interval=500">/events?count=5&amp;interval=500</a>: server-sent events</li>
<li><code>/ws</code>: WebSocket, returns each message (up to ${MAX_MESSAGE_BYTES} bytes)</li>
<li><a href="/poll?timeout=5000">/poll?timeout=5000</a>: waits for what <code>POST /messages</code> brings</li>
<li><a href="/http">/http</a>: the version of HTTP that you speak</li>
</ul>`,
);
