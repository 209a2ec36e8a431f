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
  cpu: Type.Number({ description: 'CPU time in seconds since the process started.' }),
  rss: Type.Integer({ description: 'Resident memory in bytes.' }),
  loopDelay: Type.Object(
    { p99: Type.Number(), max: Type.Number() },
    {
      description: 'Delay of the event loop since the request before, in milliseconds; 0 at the first request.',
    },
  ),
});

/** `/api/process`: CPU time, memory and event loop delay, for external measurements. */
export function processRoutes(usage: () => ProcessUsage): FastifyPluginAsync {
  return async (app) => {
    app.get(
      '/',
      route('process', 'Show CPU time, memory and event loop delay of the process', { answer: UsageAnswer }),
      async () => usage(),
    );
  };
}
