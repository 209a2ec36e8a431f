import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** What the process of an instance uses. */
export interface ProcessUsage {
  /** Seconds of processor time since it began. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** How much later than they should timers of the event loop came, since this was asked before; in milliseconds. */
  readonly loopDelay: { readonly p99: number; readonly max: number };
}

const UsageAnswer = Type.Object({
  cpu: Type.Number({ description: 'Seconds of processor time since the process began.' }),
  rss: Type.Integer({ description: 'Resident memory in bytes.' }),
  loopDelay: Type.Object(
    { p99: Type.Number(), max: Type.Number() },
    {
      description:
        'How late the event loop was since this was asked before, in milliseconds; 0 when it is asked first.',
    },
  ),
});

/** `/api/process`: processor time, memory and delay of the event loop, for whoever measures from outside. */
export function processRoutes(usage: () => ProcessUsage): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/',
      route('process', 'What the process uses: CPU, memory, event loop', { answer: UsageAnswer }),
      async () => usage(),
    );
  };
}
