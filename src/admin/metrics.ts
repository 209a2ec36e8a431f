import type { FastifyPluginAsync } from 'fastify';
import type { MetricsText } from '../metrics/index.ts';

/**
 * `GET /metrics`: the metrics in the text format of Prometheus. They are numbers without names of people or hosts, and the instance has
 * a new secret at each start, which no configuration of Prometheus could follow: so they need none, as health probes need none. Pages of
 * other sites are turned away all the same.
 */
export function metricsPlugin(read: () => Promise<MetricsText>): FastifyPluginAsync {
  return async (app) => {
    app.get('/metrics', async (_request, reply) => {
      const { contentType, text } = await read();
      return reply.type(contentType).header('cache-control', 'no-store').send(text);
    });
  };
}
