import type { FastifyPluginAsync } from 'fastify';
import { shared } from '../lib/turns.ts';
import type { HealthCheck } from './types.ts';

/**
 * `GET /livez`: the process responds. `GET /readyz`: everything works, or 503 with the failing checks.
 * Any caller can use both safely.
 */
export function healthPlugin(check: HealthCheck): FastifyPluginAsync {
  // A check makes TLS handshakes, and anyone can trigger one.
  const checked = shared(check);
  return async (server) => {
    server.get('/livez', async () => ({ live: true }));
    server.get('/readyz', async (_request, reply) => {
      const checks = await checked();
      const ready = checks.every((one) => one.ok);
      return reply
        .code(ready ? 200 : 503)
        .header('cache-control', 'no-store')
        .send({ ready, checks });
    });
  };
}
