import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { sendNotFound, sendProblem } from '../entra/rest/problem.ts';
import { TunneliteError } from '../lib/errors.ts';
import { route, type Static, Type } from '../lib/schema/index.ts';
import { LINK_LIFETIME_MS, type LinkCodes } from './link-codes.ts';
import { type PageAnswer, PageStore } from './page-store.ts';

interface DashboardOptions {
  readonly codes: LinkCodes;
  readonly secret: string;
  /** Creation time of the report shown instead of a running instance, in milliseconds since the Unix epoch. */
  readonly reportedAt?: number | undefined;
}

/** Valid file paths, as used in the page; others are not looked up. */
const FILE = /^\/dashboard\/([a-z][a-z/-]{0,60}\.(?:js|css|svg))(?:\?|$)/;

const SessionBody = Type.Object(
  { code: Type.String({ minLength: 1, maxLength: 256, description: 'The part of a link after `#code=`.' }) },
  { additionalProperties: false },
);

/**
 * The dashboard: the document at `/`, its files below `/dashboard/`, and `POST /dashboard/session`, where the page exchanges a link's code
 * for the secret. The files contain no secret and require none.
 */
export function dashboardPlugin({ codes, secret, reportedAt }: DashboardOptions): FastifyPluginAsync {
  return async (app) => {
    const store = new PageStore(reportedAt);
    app.addHook('onClose', () => store.close());
    const hidden = { schema: { hide: true }, logLevel: 'silent' } as const;
    app.get('/', hidden, async (request, reply) => send(request, reply, await store.get('')));
    app.get('/dashboard/*', hidden, async (request, reply) => {
      const address = FILE.exec(request.url)?.[1];
      return send(request, reply, address === undefined ? undefined : await store.get(address));
    });
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

/** `POST /api/dashboard/links`: creates a link that opens the dashboard; requires the secret. */
export function linkRoutes(link: () => string): FastifyPluginAsync {
  const parts = {
    body: Type.Object({}, { additionalProperties: false }),
    status: 201,
    answer: Type.Object({
      url: Type.String({ description: 'Valid once. The code is in the fragment, which browsers do not send.' }),
      expiresIn: Type.Integer({ description: 'Lifetime in seconds.' }),
    }),
    description: 'The page exchanges the code for the secret, so that no address contains the secret.',
  };
  return async (app) => {
    app.post('/', route('dashboard', 'Create a link that opens the dashboard once', parts), async (_, reply) =>
      reply.code(201).send({ url: link(), expiresIn: LINK_LIFETIME_MS / 1000 }),
    );
  };
}

/** Headers of all page files. */
const HEADERS = {
  'cache-control': 'no-cache',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  vary: 'accept-encoding',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

function send(request: FastifyRequest, reply: FastifyReply, file: PageAnswer | undefined): FastifyReply {
  if (file === undefined) return sendNotFound(request, reply);
  const { 'if-none-match': known, 'accept-encoding': encodings = '' } = request.headers;
  reply.headers({ ...HEADERS, etag: file.etag });
  if (file.policy !== undefined) reply.header('content-security-policy', file.policy);
  if (known === file.etag) return reply.code(304).send();
  reply.type(file.type);
  if (!/\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(String(encodings))) return reply.send(file.bytes);
  return reply.header('content-encoding', 'gzip').send(file.packed);
}
