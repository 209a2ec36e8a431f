import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** Result of a reset. */
export interface ResetAnswer {
  readonly mark: number;
  readonly sessions: number;
  readonly milliseconds: number;
}

const Answer = Type.Object({
  mark: Type.Integer({ description: 'The newest event of the journal: `since` of later queries.' }),
  sessions: Type.Integer({ description: 'Sessions that the reset ended.' }),
  milliseconds: Type.Unsafe<number>({ type: 'number', description: 'Duration of the reset.' }),
});

/** `POST /api/reset`: restores the initial state, except for ports, certificates and the journal. */
export function resetRoutes(reset: () => Promise<ResetAnswer>): FastifyPluginAsync {
  const parts = {
    body: Type.Object({}, { additionalProperties: false }),
    answer: Answer,
    description:
      'Ends all sessions and sign-ins, removes grants, ordered failures, outages and bans, and restores the configured directory and the time of the machine.',
  };
  return async (app) => {
    app.post('/', route('reset', 'Restore the state of the start', parts), async () => reset());
  };
}
