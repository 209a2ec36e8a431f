import type { FastifyPluginAsync } from 'fastify';
import { type UpstreamInput, UpstreamSchema } from '../../config/index.ts';
import { route, type Static, Type } from '../../lib/schema/index.ts';

/** A host of the mock network, as `GET /api/resources` shows it. */
export type MockHostAnswer = Static<typeof HostAnswer>;
/** Requests by outcome, as `GET /api/resources` shows them. */
export type RequestCountsAnswer = Static<typeof CountsAnswer>;
/** DNS queries by outcome, as `GET /api/resources` shows them. */
export type DnsCountsAnswer = Static<typeof DnsAnswer>;
/** An upstream, as `GET /api/resources` shows it. */
export type UpstreamAnswer = Static<typeof UpstreamAnswer>;

/** Operations of the routes: `sim.resources`. */
export interface ResourcesPort {
  list(): {
    readonly hosts: readonly object[];
    readonly upstreams: readonly object[];
    readonly requests: object;
    readonly dns: object;
  };
  /** @throws TunneliteError `ERR_RESOURCE_RULE` */
  add(upstream: UpstreamInput): object;
  /** @throws TunneliteError `ERR_RESOURCE_UNKNOWN` */
  remove(id: string): { readonly ended: number };
  /** HTTP requests to the mock sites and upstreams as a HAR 1.2. */
  har(): object;
}

const TAG = 'resources';
const Addresses = () => Type.Array(Type.String());
const Services = () => Type.Record(Type.String(), Type.String(), { description: 'Port to service.' });
const Hits = () => Type.Integer({ description: 'Permitted requests since the start or the last reset.' });

const HostAnswer = Type.Object({
  names: Addresses(),
  addresses: Addresses(),
  tcp: Services(),
  udp: Services(),
  hits: Hits(),
});
const UPSTREAM = {
  id: Type.String(),
  match: Type.String({ description: 'What clients request: an address, a CIDR range, or a host name.' }),
  ports: Type.Array(Type.Integer(), { description: 'Empty = all.' }),
  to: Type.Union([Type.Object({ host: Type.String(), port: Type.Union([Type.Integer(), Type.Null()]) }), Type.Null()], {
    description: 'The real destination; null = the one that the client requested.',
  }),
  inProcess: Type.Boolean({ description: 'A handler in the program that runs the simulator answers.' }),
  addresses: Type.Array(Type.String(), { description: 'Addresses that stand for its name in the tunnel.' }),
  source: Type.Enum(['configuration', 'added']),
  hits: Hits(),
};
const UpstreamAnswer = Type.Object(UPSTREAM);
const CountsAnswer = Type.Object({
  requests: Type.Integer({ description: 'Since the start or the last reset.' }),
  open: Type.Integer({ description: 'Permitted, and still open.' }),
  denied: Type.Integer(),
  failed: Type.Integer({ description: 'The resource never answered.' }),
  broken: Type.Integer({ description: 'The connection was cut off.' }),
  completed: Type.Integer(),
});
const DnsAnswer = Type.Object(
  {
    questions: Type.Integer({ description: 'Since the start or the last reset.' }),
    answered: Type.Integer({ description: 'With records, or with the answer that there are none.' }),
    refused: Type.Integer({ description: 'REFUSED or NOTIMP.' }),
    failed: Type.Integer({ description: 'SERVFAIL.' }),
    malformed: Type.Integer({ description: 'Not a question.' }),
    dropped: Type.Integer({ description: 'Deliberately not answered.' }),
    forwarded: Type.Integer({ description: 'Of all these, questions that were forwarded to other name servers.' }),
  },
  { description: 'Questions to the resolver.' },
);
const ResourcesAnswer = Type.Object({
  hosts: Type.Array(HostAnswer, { description: 'Mock hosts.' }),
  upstreams: Type.Array(UpstreamAnswer, { description: 'In order: the first that matches decides.' }),
  requests: CountsAnswer,
  dns: DnsAnswer,
});
const AddedAnswer = Type.Object({
  ...UPSTREAM,
  warnings: Type.Array(Type.String(), { description: 'What is allowed but probably a mistake.' }),
});
const UpstreamPath = Type.Object(
  { id: Type.String({ minLength: 1, maxLength: 64, description: 'Id of the upstream.' }) },
  { additionalProperties: false },
);

/** `/api/resources`: the hosts behind the gateway, and upstreams that can be added and removed. */
export function resourceRoutes(resources: ResourcesPort): FastifyPluginAsync {
  return async (app) => {
    app.get('/', route(TAG, 'What is behind the gateway', { answer: ResourcesAnswer }), async () => resources.list());
    app.get(
      '/requests.har',
      route(TAG, 'The last HTTP requests to the mock sites, and plain ones to upstreams, as a HAR 1.2', {
        answer: Type.Object({ log: Type.Unknown() }),
      }),
      async () => resources.har() as never,
    );
    app.post(
      '/',
      route(TAG, 'Add an upstream, until it is removed or the next reset', {
        body: UpstreamSchema,
        status: 201,
        answer: AddedAnswer,
        description: 'It is tried before all others. A host name gets an address in the tunnel at once.',
      }),
      async ({ body }, reply) => reply.code(201).send(resources.add(body as UpstreamInput)),
    );
    app.delete(
      '/:id',
      route(TAG, 'Remove an upstream; connections to it are reset', {
        params: UpstreamPath,
        refuses: [404],
        answer: Type.Object({ ended: Type.Integer({ description: 'Connections and UDP destinations that ended.' }) }),
      }),
      async ({ params }) => resources.remove((params as Static<typeof UpstreamPath>).id),
    );
  };
}
