import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type FastifyInstance, type FastifyPluginAsync, type FastifyRequest, fastify } from 'fastify';
import { DOCUMENT, PAGE_FOLDER, pageFiles } from '../dashboard/files.ts';
import { sendNotFound, sendProblem } from '../entra/rest/problem.ts';
import { TunneliteError } from '../lib/errors.ts';
import { route, type Static, Type } from '../lib/schema/index.ts';
import { LINK_LIFETIME_MS, type LinkCodes } from './link-codes.ts';

interface DashboardOptions {
  readonly codes: LinkCodes;
  readonly secret: string;
}

/** Headers of a request that the files depend on. */
const ASKED = ['if-none-match', 'if-modified-since', 'range', 'accept'] as const;
/** Headers of an answer that are passed on. */
const TOLD = ['content-type', 'content-length', 'etag', 'last-modified', 'accept-ranges', 'content-range'] as const;

const SessionBody = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 256, description: 'What stands behind `#code=` in a link.' }) },
  { additionalProperties: false },
);

/**
 * The dashboard: the document at `/`, its files below `/dashboard/`, and `POST /dashboard/session`, where the page exchanges the code of a link
 * for the secret. The files hold no secret and need none. What serves them is loaded when a browser first asks.
 */
export function dashboardPlugin({ codes, secret }: DashboardOptions): FastifyPluginAsync {
  return async (app) => {
    let made: Promise<FastifyInstance> | undefined;
    app.addHook('onClose', async () => {
      if (made) await (await made).close();
    });
    for (const url of ['/', '/dashboard/*']) {
      app.get(url, { schema: { hide: true }, logLevel: 'silent' }, async (request, reply) => {
        const answer = await (await (made ??= fileServer())).inject({
          method: request.method as 'GET',
          url: request.url,
          headers: headersOf(request),
        });
        if (answer.statusCode === 404) return sendNotFound(request, reply);
        reply.code(answer.statusCode).headers(HEADERS);
        for (const name of [...TOLD, 'content-security-policy'] as const) {
          const value = answer.headers[name];
          if (value !== undefined) reply.header(name, value);
        }
        return reply.send(answer.rawPayload);
      });
    }
    app.post(
      '/dashboard/session',
      route('dashboard', 'The secret, for the code of a link', { body: SessionBody }),
      async ({ body }, reply) => {
        reply.header('cache-control', 'no-store');
        if (codes.redeem((body as Static<typeof SessionBody>).code)) return { secret };
        return sendProblem(new TunneliteError('ERR_ADMIN_LINK'), reply);
      },
    );
  };
}

/** `POST /api/dashboard/links`: a link that opens the dashboard, for who has the secret already. */
export function linkRoutes(link: () => string): FastifyPluginAsync {
  const parts = {
    body: Type.Object({}, { additionalProperties: false }),
    status: 201,
    answer: Type.Object({
      url: Type.String({ description: 'Good once. The code is in the fragment, which browsers send to nobody.' }),
      expiresIn: Type.Integer({ description: 'Seconds for which it is good.' }),
    }),
    description: 'The page exchanges the code for the secret, which so stands in no address.',
  };
  return async (app) => {
    app.post('/', route('dashboard', 'A link that opens the dashboard, once', parts), async (_, reply) =>
      reply.code(201).send({ url: link(), expiresIn: LINK_LIFETIME_MS / 1000 }),
    );
  };
}

function headersOf({ headers }: FastifyRequest): Record<string, string> {
  return Object.fromEntries(
    ASKED.flatMap((name) => (headers[name] === undefined ? [] : [[name, String(headers[name])]])),
  );
}

/**
 * What a browser holds the page to. Nothing from elsewhere is loaded or shown in it, it is shown in no other page, and no text is ever
 * made into markup or code (Trusted Types).
 */
const HEADERS = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function policyOf(html: string): string {
  // Two scripts are in the document: the import map, which may not be a file, and what loads the others, so that it cannot be lost itself.
  const hashes = Array.from(
    html.matchAll(/<script type="(?:importmap|module)">([\s\S]*?)<\/script>/g),
    ([, text = '']) => {
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    },
  );
  return [
    "default-src 'none'",
    `script-src 'self' ${hashes.join(' ')}`,
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

async function fileServer(): Promise<FastifyInstance> {
  const { default: fastifyStatic } = await import('@fastify/static');
  const app = fastify();
  await app.register(fastifyStatic, { root: PAGE_FOLDER, serve: false, cacheControl: false });
  const policy = policyOf(readFileSync(join(PAGE_FOLDER, DOCUMENT), 'utf8'));
  app.get('/', async (_, reply) =>
    reply.header('content-security-policy', policy).sendFile(DOCUMENT, PAGE_FOLDER, { cacheControl: false }),
  );
  for (const [address, { folder, name }] of pageFiles()) {
    app.get(`/dashboard/${address}`, async (_, reply) => reply.sendFile(name, folder, { cacheControl: false }));
  }
  await app.ready();
  return app;
}
