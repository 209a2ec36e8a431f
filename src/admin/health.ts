import type { FastifyPluginAsync } from 'fastify';
import type { HealthCheck } from './types.ts';

/**
 * `GET /livez`: the process answers. `GET /readyz`: everything works, or 503 and what does not.
 * Both are harmless to call from anywhere.
 */
export function healthPlugin(check: HealthCheck): FastifyPluginAsync {
  return async (server) => {
    server.get('/livez', async () => ({ live: true }));
    server.get('/readyz', async (_request, reply) => {
      const checks = await check();
      const ready = checks.every((one) => one.ok);
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ready, checks });
    });
  };
}
