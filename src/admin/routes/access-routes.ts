import type { FastifyPluginAsync } from 'fastify';
import { type AccessInput, type AccessRuleInput, AccessRuleSchema, AccessSchema } from '../../config/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** An access rule, as `GET /api/access` shows it. */
export type AccessRuleAnswer = Static<typeof RuleAnswer>;
/** All access rules, as `GET /api/access` shows them. */
export type AccessAnswer = Static<typeof AccessAnswer>;

/** Operations of the routes: `sim.access`. */
export interface AccessPort {
  list(): { readonly otherwise: string; readonly rules: readonly object[] };
  /** @throws TunneliteError `ERR_ACCESS_RULE` */
  add(rule: AccessRuleInput): object;
  /** @throws TunneliteError `ERR_ACCESS_RULE` */
  replace(access: AccessInput): object;
  /** @throws TunneliteError `ERR_ACCESS_UNKNOWN` */
  remove(id: string): { readonly ended: number };
}

const TAG = 'access';
const Texts = () => Type.Array(Type.String());
const ENDED = {
  ended: Type.Integer({ description: 'Connections, UDP destinations and pings that the change ended.' }),
};

const RULE = {
  id: Type.String(),
  name: Type.Union([Type.String(), Type.Null()]),
  action: Type.Enum(['allow', 'deny']),
  match: Texts(),
  ports: Type.Array(Type.Integer()),
  protocols: Texts(),
  users: Texts(),
  groups: Texts(),
  apps: Texts(),
  devices: Texts(),
  source: Type.Enum(['configuration', 'added']),
};
const RuleAnswer = Type.Object(RULE, { description: 'An empty list means any.' });
const ACCESS = {
  otherwise: Type.Enum(['allow', 'deny'], { description: 'The decision when no rule matches, if there are rules.' }),
  rules: Type.Array(RuleAnswer, { description: 'In order: the first that matches decides.' }),
};
const AccessAnswer = Type.Object(ACCESS);
const RulePath = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the rule.' }) },
  { additionalProperties: false },
);

/** `/api/access`: access rules. Changes do not end sessions. */
export function accessRoutes(access: AccessPort): FastifyPluginAsync {
  return async (app) => {
    app.get('/', route(TAG, 'Who may reach what', { answer: AccessAnswer }), async () => access.list() as never);
    app.put(
      '/',
      route(TAG, 'Replace all rules, until the next reset', {
        body: AccessSchema,
        answer: Type.Object({ ...ACCESS, ...ENDED }),
      }),
      async ({ body }) => access.replace(body as AccessInput),
    );
    app.post(
      '/',
      route(TAG, 'Add a rule before all others, until it is removed or the next reset', {
        body: AccessRuleSchema,
        status: 201,
        answer: Type.Object({ ...RULE, ...ENDED }),
      }),
      async ({ body }, reply) => reply.code(201).send(access.add(body as AccessRuleInput)),
    );
    app.delete(
      '/:id',
      route(TAG, 'Remove a rule', { params: RulePath, answer: Type.Object(ENDED), refuses: [404] }),
      async ({ params }) => access.remove((params as Static<typeof RulePath>).id),
    );
  };
}
