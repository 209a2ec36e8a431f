import type { FastifyInstance, FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';
import { judged } from './graph-refusal.ts';
import { type IntuneObjects, objectRoutes } from './intune-object-routes.ts';

/** Operations on `sim.intune()`, which is loaded on first use. */
export interface IntunePort extends IntuneObjects {
  /** Does not count as a delivery: no app sent the request. */
  preview(to: {
    readonly user: string;
    readonly app: string;
    readonly platform: 'ios' | 'android';
    readonly enrolled?: boolean;
  }): object;
  deliveries(): readonly object[];
  export(): object;
  lint(): Promise<readonly object[]>;
  import(value: unknown): object;
}

const TAG = 'intune';
/** Largest document to import, in bytes: enough for many tenants. */
const MAX_DOCUMENT = 16 * 1024 * 1024;

const Delivered = Type.Record(Type.String(), Type.Unknown(), {
  description:
    '`settings`: keys and values; `protection`; `policies`; `conflicts`; `notes`: why something did not reach the app.',
});
const DeliverQuery = Type.Object(
  {
    user: Type.String({ minLength: 1, maxLength: 256, description: 'Sign-in name or object id.' }),
    app: Type.String({ minLength: 1, maxLength: 256, description: 'Bundle id, or package id.' }),
    platform: Type.Enum(['ios', 'android'], { description: 'Platform of the app.' }),
    enrolled: Type.Optional(Type.Enum(['true', 'false'], { description: 'Whether Intune manages the whole device.' })),
  },
  { additionalProperties: false },
);
const Findings = Type.Object({
  findings: Type.Array(
    Type.Object({
      level: Type.Enum(['error', 'warning']),
      rule: Type.String(),
      subject: Type.String(),
      message: Type.String(),
      fix: Type.String(),
    }),
  ),
});
const Deliveries = Type.Object({
  deliveries: Type.Array(
    Type.Object({
      userId: Type.String(),
      user: Type.String(),
      app: Type.String(),
      platform: Type.Enum(['ios', 'android']),
      enrolled: Type.Boolean({ description: 'Intune manages the whole device.' }),
      at: Type.String({ description: 'Time of the last request.' }),
      settings: Type.Integer({ description: 'Number of keys that it got.' }),
      policies: Type.Array(Type.String()),
      conflicts: Type.Integer(),
      notes: Type.Array(Type.String(), { description: 'Why something did not reach it.' }),
      state: Type.Enum(['current', 'outdated', 'no user'], {
        description: '`outdated`: it would get something else now; `no user`: its user no longer exists.',
      }),
    }),
  ),
});
const Imported = Type.Object({ created: Type.Integer(), changed: Type.Integer() });
const AnyObject = Type.Record(Type.String(), Type.Unknown());

/**
 * `/api/intune`: sites and policies for tools on this machine, with Graph's rules but without Graph's tokens.
 * @param facts data for an export, in addition to the objects
 */
export function intuneRoutes(load: () => Promise<IntunePort>, facts: () => object): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/delivery',
      route(TAG, 'Show what an app gets for its user', { query: DeliverQuery, answer: Delivered, refuses: [404] }),
      async ({ query }) => {
        const {
          user,
          app: id,
          platform,
          enrolled,
        } = query as { user: string; app: string; platform: 'ios' | 'android'; enrolled?: string };
        const intune = await load();
        return judged(() => intune.preview({ user, app: id, platform, enrolled: enrolled === 'true' }));
      },
    );
    app.get(
      '/deliveries',
      route(TAG, 'List what apps got, and whether they would get the same now', { answer: Deliveries }),
      async () => ({ deliveries: (await load()).deliveries() }),
    );
    app.get(
      '/export',
      route(TAG, 'Export all objects as Graph has them, and the facts that a client needs', {
        answer: Type.Object({ document: AnyObject, facts: AnyObject }),
      }),
      async () => ({ document: (await load()).export(), facts: facts() }),
    );
    app.get(
      '/lint',
      route(TAG, 'List problems of the sites, policies and registrations', { answer: Findings }),
      async () => ({ findings: await (await load()).lint() }),
    );
    importRoute(app, load);
    await app.register(objectRoutes(load), { prefix: '/objects' });
  };
}

function importRoute(app: FastifyInstance, load: () => Promise<IntunePort>): void {
  app.post(
    '/import',
    {
      ...route(TAG, 'Import objects, and replace those with the same ids', {
        body: AnyObject,
        status: 200,
        answer: Imported,
        code: 'ERR_INTUNE_DOCUMENT',
        description:
          'Lists by the names of Graph’s collections, the answer to a list, or one object. An invalid document changes nothing.',
      }),
      bodyLimit: MAX_DOCUMENT,
    },
    async ({ body }) => {
      const intune = await load();
      return judged(() => intune.import(body));
    },
  );
}
