import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { isTunneliteError } from '../lib/errors.ts';
import { route, Type } from '../lib/schema/index.ts';
import { MAX_BODY_BYTES, MAX_DELAY_MS, MAX_REMEMBERED } from './constants.ts';
import { bodyOf, pause, refuse, wholeNumber } from './content.ts';
import { basic, bearer, Digest, type Realm, type Verdict } from './http-auth.ts';
import { Remembered } from './remembered.ts';
import type { SitePorts } from './site.ts';

const Item = Type.Object({
  id: Type.String({ description: 'Assigned by the server.' }),
  value: Type.Unknown({ description: 'Any JSON.' }),
});
const Echo = Type.Object({
  method: Type.String(),
  url: Type.String(),
  httpVersion: Type.String(),
  headers: Type.Record(Type.String(), Type.Unknown()),
  query: Type.Record(Type.String(), Type.Unknown()),
  body: Type.Union([Type.String(), Type.Null()], { description: 'As text, or in base64 if it is binary.' }),
  encoding: Type.Union([Type.String(), Type.Null()], { description: 'utf8 or base64.' }),
});
const User = Type.Object({ user: Type.String(), scheme: Type.String() });
const Status = Type.Object({ status: Type.Integer() });
const Waited = Type.Object({ milliseconds: Type.Integer() });

const CLOSED = { additionalProperties: false } as const;
const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const HOPS = 50;

/** Credentials for Basic and Digest; shown in refusals. */
const REALM: Realm = {
  name: 'api.contoso.internal',
  passwordOf: (user) => (user === 'alice' ? 'contoso' : undefined),
  hint: () => 'This site uses alice:contoso.',
};

/**
 * A REST API, described at `/openapi.json`: `/items` (create, read, replace, delete), `/echo`, `/status/:code`, `/delay/:milliseconds`,
 * `/redirect/:hops`, `/auth/basic`, `/auth/bearer`, `/auth/digest`.
 */
export function addApi(app: FastifyInstance, ports: SitePorts): void {
  let described: Promise<object> | undefined;
  addOperations(app, ports);
  app.get('/', async (_request, reply) => reply.redirect('/openapi.json'));
  app.get('/openapi.json', async () => (described ??= describe(ports)));
}

/** The same operations on a server without a listener, with the plugin that describes them. */
async function describe(ports: SitePorts): Promise<object> {
  const { default: swagger } = await import('@fastify/swagger');
  const app = Fastify();
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Contoso API', version: '1.0.0', description: 'A mock API of the on-premises network.' },
    },
  });
  await app.register(async (inner) => addOperations(inner, ports));
  await app.ready();
  const document = app.swagger();
  await app.close();
  return document;
}

function addOperations(app: FastifyInstance, { clock, random }: SitePorts): void {
  app.setErrorHandler((error, _request, reply) => {
    if (isTunneliteError(error)) return refuse(reply, [error.message, error.hint].filter(Boolean).join(' '));
    return reply.send(error);
  });
  const body = async (request: FastifyRequest, reply: FastifyReply): Promise<Buffer | undefined> => {
    const bytes = await bodyOf(request, MAX_BODY_BYTES);
    if (!bytes) refuse(reply, `The limit is ${MAX_BODY_BYTES} bytes.`, 413);
    return bytes;
  };
  const anyQuery = Type.Record(Type.String(), Type.Unknown());

  app.route({
    method: [...METHODS],
    url: '/echo',
    ...route('echo', 'Echo the request', { answer: Echo, query: anyQuery }),
    handler: async (request, reply) => {
      const bytes = await body(request, reply);
      if (!bytes) return reply;
      const text = bytes.toString();
      const isText = Buffer.from(text).equals(bytes);
      const { method, url, headers, query } = request;
      return {
        ...{ method, url, httpVersion: request.raw.httpVersion, headers, query },
        body: bytes.length === 0 ? null : isText ? text : bytes.toString('base64'),
        encoding: bytes.length === 0 ? null : isText ? 'utf8' : 'base64',
      };
    },
  });

  const Code = Type.Object({ code: Type.String({ maxLength: 16, description: 'From 200 to 599.' }) }, CLOSED);
  app.get<{ Params: { code: string } }>(
    '/status/:code',
    route('answers', 'Answer with this status', { params: Code, answer: Status }),
    async (request, reply) => {
      const status = wholeNumber(request.params.code, 200, 599);
      if (status === undefined) return refuse(reply, 'The code must be a number from 200 to 599.');
      return reply.code(status).send(status === 204 || status === 304 ? undefined : { status });
    },
  );

  const Delay = Type.Object(
    {
      milliseconds: Type.String({ maxLength: 16, description: `Up to ${MAX_DELAY_MS}.` }),
    },
    CLOSED,
  );
  app.get<{ Params: { milliseconds: string } }>(
    '/delay/:milliseconds',
    route('answers', 'Answer after this time', { params: Delay, answer: Waited }),
    async (request, reply) => {
      const milliseconds = wholeNumber(request.params.milliseconds, 0, MAX_DELAY_MS);
      if (milliseconds === undefined) return refuse(reply, `The time must be from 0 to ${MAX_DELAY_MS} milliseconds.`);
      if (!(await pause(reply, milliseconds, clock))) return reply.hijack();
      return { milliseconds };
    },
  );

  const Hops = Type.Object({ hops: Type.String({ maxLength: 16, description: `Up to ${HOPS}.` }) }, CLOSED);
  const Kind = Type.Object({ status: Type.Optional(Type.Enum<string[]>(['301', '302', '303', '307', '308'])) }, CLOSED);
  app.get<{ Params: { hops: string }; Querystring: { status?: string } }>(
    '/redirect/:hops',
    route('answers', 'This many redirects, then /echo', { params: Hops, query: Kind, status: 302 }),
    async (request, reply) => {
      const hops = wholeNumber(request.params.hops, 1, HOPS);
      if (hops === undefined) return refuse(reply, `The number of redirects must be from 1 to ${HOPS}.`);
      const { status = '302' } = request.query;
      return reply.redirect(hops === 1 ? '/echo' : `/redirect/${hops - 1}?status=${status}`, Number(status));
    },
  );

  const digest = new Digest(random, REALM);
  const schemes: Record<string, (request: FastifyRequest) => Verdict> = {
    basic: ({ headers }) => basic(headers.authorization, REALM),
    bearer: ({ headers }) => bearer(headers.authorization, REALM),
    digest: ({ headers, method, url }) => digest.check(headers.authorization, method, url),
  };
  for (const [scheme, check] of Object.entries(schemes)) {
    app.get(
      `/auth/${scheme}`,
      route('auth', `The signed-in user, with ${scheme}`, { answer: User }),
      async (request, reply) => {
        const verdict = check(request);
        if ('user' in verdict) return verdict;
        return refuse(reply.header('www-authenticate', verdict.challenges), verdict.explanation, 401);
      },
    );
  }
  addItems(app, body);
}

/** A REST collection. */
function addItems(
  app: FastifyInstance,
  body: (request: FastifyRequest, reply: FastifyReply) => Promise<Buffer | undefined>,
): void {
  const items = new Remembered<{ readonly id: string; readonly value: unknown }>();
  let count = 0;
  /** The JSON body of a request; undefined if the request was refused. */
  const jsonOf = async (request: FastifyRequest, reply: FastifyReply): Promise<{ value: unknown } | undefined> => {
    const bytes = await body(request, reply);
    if (!bytes) return undefined;
    if (bytes.length > MAX_ITEM_BYTES) {
      refuse(reply, `An item has at most ${MAX_ITEM_BYTES} bytes.`, 413);
      return undefined;
    }
    try {
      return { value: JSON.parse(bytes.toString()) as unknown };
    } catch {
      refuse(reply, 'The body must be JSON.');
      return undefined;
    }
  };
  const missing = (reply: FastifyReply) => refuse(reply, 'The item does not exist.', 404);
  const Id = Type.Object({ id: Type.String() }, CLOSED);
  type ById = { Params: { id: string } };

  app.get(
    '/items',
    route('items', 'All items', {
      answer: Type.Object({ items: Type.Array(Item) }),
      description: `The last ${MAX_REMEMBERED} are kept.`,
    }),
    async () => ({ items: items.values() }),
  );
  app.post('/items', route('items', 'A new item', { answer: Item, status: 201 }), async (request, reply) => {
    const sent = await jsonOf(request, reply);
    if (!sent) return reply;
    count += 1;
    const item = { id: String(count), ...sent };
    items.set(item.id, item);
    return reply.code(201).header('location', `/items/${item.id}`).send(item);
  });
  app.get<ById>(
    '/items/:id',
    route('items', 'One item', { params: Id, answer: Item }),
    async (request, reply) => items.get(request.params.id) ?? missing(reply),
  );
  app.put<ById>(
    '/items/:id',
    route('items', 'Replace an item', { params: Id, answer: Item }),
    async (request, reply) => {
      const { id } = request.params;
      if (!items.get(id)) return missing(reply);
      const sent = await jsonOf(request, reply);
      if (!sent) return reply;
      items.set(id, { id, ...sent });
      return items.get(id);
    },
  );
  app.delete<ById>('/items/:id', route('items', 'Delete an item', { params: Id }), async (request, reply) =>
    items.delete(request.params.id) ? reply.code(204).send() : missing(reply),
  );
}

const MAX_ITEM_BYTES = 16 * 1024;
