import type { FastifyPluginAsync } from 'fastify';
import { route, type Static, Type } from '../../lib/schema/index.ts';
import { judged } from './graph-refusal.ts';

/** Collections with individually editable objects, by the names of Graph's paths. */
const COLLECTIONS = [
  'targetedManagedAppConfigurations',
  'iosManagedAppProtections',
  'androidManagedAppProtections',
  'deviceConfigurations',
  'groups',
  'microsoftTunnelSites',
  'microsoftTunnelConfigurations',
  'microsoftTunnelHealthThresholds',
] as const;

type Collection = (typeof COLLECTIONS)[number];

/** Objects of `sim.intune()`. Errors use Graph's messages. */
export interface IntuneObjects {
  object(set: Collection, id: string): object;
  create(set: Collection, body: unknown): object;
  change(set: Collection, id: string, body: unknown): object;
  remove(set: Collection, id: string): void;
}

const TAG = 'intune';
/** Largest body, in bytes: Graph's own limit. */
const MAX_BODY = 4 * 1024 * 1024;

const set = Type.Enum(COLLECTIONS, { description: 'Collection, by its name in Graph.' });
const OfSet = Type.Object({ set }, { additionalProperties: false });
const OfObject = Type.Object(
  { set, id: Type.String({ minLength: 1, maxLength: 200, description: 'Id of the object.' }) },
  { additionalProperties: false },
);
const GraphObject = Type.Record(Type.String(), Type.Unknown(), {
  description: 'As Graph has it, with apps, assignments, the configuration of a site and the members of a group.',
});
const code = 'ERR_INTUNE_DOCUMENT';

/** `/api/intune/objects`: policies, profiles, groups, sites and configurations, with Graph's request bodies. */
export function objectRoutes(load: () => Promise<IntuneObjects>): FastifyPluginAsync {
  return async (app) => {
    app.post(
      '/:set',
      {
        ...route(TAG, 'Create an object', { params: OfSet, body: GraphObject, status: 201, answer: GraphObject, code }),
        bodyLimit: MAX_BODY,
      },
      async ({ params, body }, reply) => {
        const intune = await load();
        const made = judged(() => intune.create((params as Static<typeof OfSet>).set, body));
        return reply.code(201).send(made);
      },
    );
    app.get(
      '/:set/:id',
      route(TAG, 'Show an object', { params: OfObject, answer: GraphObject, refuses: [404] }),
      async ({ params }) => {
        const intune = await load();
        const { set, id } = params as Static<typeof OfObject>;
        return judged(() => intune.object(set, id));
      },
    );
    app.patch(
      '/:set/:id',
      {
        ...route(TAG, 'Change members of an object', {
          params: OfObject,
          body: GraphObject,
          answer: GraphObject,
          refuses: [404],
          code,
          description: 'Other members stay. Lists are replaced as a whole.',
        }),
        bodyLimit: MAX_BODY,
      },
      async ({ params, body }) => {
        const intune = await load();
        const { set, id } = params as Static<typeof OfObject>;
        return judged(() => intune.change(set, id, body));
      },
    );
    app.delete(
      '/:set/:id',
      route(TAG, 'Remove an object, unless another one needs it', { params: OfObject, code, refuses: [404] }),
      async ({ params }, reply) => {
        const intune = await load();
        const { set, id } = params as Static<typeof OfObject>;
        judged(() => intune.remove(set, id));
        return reply.code(204).send();
      },
    );
  };
}
