import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import { html } from '../lib/html.ts';
import { pause, refuse, wholeNumber } from './content.ts';
import { page } from './page.ts';
import { patternChunk } from './pattern.ts';
import { Remembered } from './remembered.ts';
import type { SiteTools } from './site.ts';

/** Default steps. */
const FALLBACK = '503,reset,200';
const MAX_STEPS = 32;
const MAX_STEP = 20;
/** Bytes of the promised body to send before a connection breaks. */
const PROMISED_BYTES = 10_000;
const SENT_BYTES = 1_000;

const HELP =
  'Each is a status from 200 to 599, “reset” (the connection is reset without an answer), “cut” (it is reset within the answer), “hang” ' +
  '(no answer comes) or “slow” (an answer after two seconds).';
const SLOW_MS = 2_000;

/**
 * A site that fails in a pattern: `/?steps=503,reset,200&key=mine` responds to the first request of that key with 503, breaks the connection
 * of the second, responds to the third, and repeats the last step, 200, until `DELETE /?key=mine`. Without a key, each session counts separately.
 */
export function addFlaky(app: FastifyInstance, { visitorOf, clock }: SiteTools): void {
  const counts = new Remembered<number>();
  const keyOf = (request: FastifyRequest): string => {
    const { key } = request.query as { key?: string };
    return key === undefined ? `session ${visitorOf(request)?.session}` : `key ${key.slice(0, 100)}`;
  };
  app.get<{ Querystring: { steps?: string; key?: string } }>('/', async (request, reply) => {
    const { steps: text } = request.query;
    if (text === undefined && request.headers.accept?.includes('text/html')) {
      return reply.type('text/html; charset=utf-8').send(START);
    }
    const steps = (text ?? FALLBACK).split(',', MAX_STEPS + 1);
    const wrong = steps.find((step) => !isStep(step));
    if (wrong !== undefined) return refuse(reply, `“${wrong.slice(0, MAX_STEP)}” is not a step. ${HELP}`);
    if (steps.length > MAX_STEPS) return refuse(reply, `The limit is ${MAX_STEPS} steps.`);
    const key = `${steps.join()} ${keyOf(request)}`;
    const attempt = (counts.get(key) ?? 0) + 1;
    counts.set(key, attempt);
    return take(steps[Math.min(attempt, steps.length) - 1]!, attempt, reply, clock);
  });
  app.delete('/', async (request, reply) => {
    const { steps = FALLBACK } = request.query as { steps?: string };
    counts.delete(`${steps} ${keyOf(request)}`);
    return reply.code(204).send();
  });
}

const WORDS = new Set(['reset', 'cut', 'hang', 'slow']);
const isStep = (step: string): boolean => WORDS.has(step) || wholeNumber(step, 200, 599) !== undefined;

async function take(step: string, attempt: number, reply: FastifyReply, clock: Clock): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store').header('x-attempt', attempt);
  switch (step) {
    case 'reset':
      reply.raw.destroy();
      return reply.hijack();
    case 'cut':
      reply.hijack();
      reply.raw.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': PROMISED_BYTES });
      reply.raw.write(patternChunk(0, SENT_BYTES), () => reply.raw.destroy());
      return reply;
    case 'hang':
      return reply.hijack();
    case 'slow':
      if (!(await pause(reply, SLOW_MS, clock))) return reply.hijack();
      return reply.send({ attempt, step });
    default: {
      const status = Number(step);
      if (status === 503 || status === 429) reply.header('retry-after', 1);
      return reply.code(status).send(status === 204 || status === 304 ? undefined : { attempt, step });
    }
  }
}

const START = page(
  'Contoso Flaky',
  html`<p>This site fails on purpose. <a href="/?steps=503,reset,200">/?steps=503,reset,200</a> takes one step with each request, and stays at the last. ${HELP}</p>`,
);
