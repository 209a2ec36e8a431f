import type { FastifyPluginAsync } from 'fastify';
import { shared } from '../lib/turns.ts';
import type { HealthCheck } from './types.ts';

/**
 * `GET /livez`: the process answers. `GET /readyz`: everything works, or 503 and what does not.
 * Both are harmless to call from anywhere.
 */
export function healthPlugin(check: HealthCheck): FastifyPluginAsync {
  // A check takes TLS handshakes, and anyone may ask for one.
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
