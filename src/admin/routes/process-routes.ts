import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** Resource usage of an instance's process. */
export interface ProcessUsage {
  /** CPU time in seconds since the start. */
  readonly cpu: number;
  /** Bytes. */
  readonly rss: number;
  /** Delay of event loop timers since the previous request, in milliseconds. */
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

/** `/api/process`: CPU time, memory and event loop delay, for external measurements. */
export function processRoutes(usage: () => ProcessUsage): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/',
      route('process', 'What the process uses: CPU, memory, event loop', { answer: UsageAnswer }),
      async () => usage(),
    );
  };
}
