import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** Result of a reset. */
export interface ResetAnswer {
  readonly mark: number;
  readonly sessions: number;
  readonly milliseconds: number;
}

const Answer = Type.Object({
  mark: Type.Integer({ description: 'Where the journal goes on: `since` of later queries.' }),
  sessions: Type.Integer({ description: 'Sessions that were ended.' }),
  milliseconds: Type.Unsafe<number>({ type: 'number', description: 'How long it took.' }),
});

/** `POST /api/reset`: restores the initial state, except for ports, certificates and the journal. */
export function resetRoutes(reset: () => Promise<ResetAnswer>): FastifyPluginAsync {
  const parts = {
    body: Type.Object({}, { additionalProperties: false }),
    answer: Answer,
    description:
      'Ends all sessions and sign-ins, forgets grants, ordered failures, outages and bans, sets the directory back to the configured one and the clock to the time of the machine.',
  };
  return async (app) => {
    app.post('/', route('reset', 'Back to how it started', parts), async () => reset());
  };
}
