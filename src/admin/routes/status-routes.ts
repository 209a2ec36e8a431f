import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** Status of a running instance. */
export interface InstanceStatus {
  readonly version: string;
  readonly pid: number;
  readonly node: string;
  /** Milliseconds since the Unix epoch, by the machine's clock. */
  readonly startedAt: number;
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  /** PEM of the CA that clients must trust. */
  readonly ca: string;
  /** False with a real tenant's authority. */
  readonly issuesTokens: boolean;
  readonly sessions: { readonly connected: number; readonly all: number };
  /** Sequence number of the newest event. */
  readonly mark: number;
  /** Counters of the gateway. */
  readonly counters: Readonly<Record<string, number>>;
}

const StatusAnswer = Type.Object({
  version: Type.String(),
  pid: Type.Integer(),
  node: Type.String(),
  startedAt: Type.Integer({ description: "Milliseconds since the Unix epoch, by the machine's clock." }),
  gateway: Type.String({ description: 'The address for Tunnel clients.' }),
  authority: Type.String({ description: 'The authority that issues the tokens.' }),
  admin: Type.String({ description: 'This listener.' }),
  ca: Type.String({ description: 'PEM of the CA that clients must trust.' }),
  issuesTokens: Type.Boolean({ description: "False with a real tenant's authority." }),
  sessions: Type.Object({ connected: Type.Integer(), all: Type.Integer() }),
  mark: Type.Integer({ description: 'Number of the newest event.' }),
  counters: Type.Record(Type.String(), Type.Integer(), { description: 'Counters of the gateway.' }),
});

/** `/api/status`: identity of the instance, its listeners, and its counters. */
export function statusRoutes(status: () => InstanceStatus): FastifyPluginAsync {
  return async (app) => {
    app.get('/', route('status', 'Show the instance and its addresses', { answer: StatusAnswer }), async () =>
      status(),
    );
  };
}
