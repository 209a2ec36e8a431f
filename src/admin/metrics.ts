import type { FastifyPluginAsync } from 'fastify';
import type { MetricsText } from '../metrics/index.ts';

/**
 * `GET /metrics`: the metrics in the Prometheus text format. They are numbers without names of people or hosts, and the
 * secret changes at each start, so Prometheus could not be configured with it: like health probes, they need no authentication. Requests from
 * other sites' pages are still refused.
 */
export function metricsPlugin(read: () => Promise<MetricsText>): FastifyPluginAsync {
  return async (app) => {
    app.get('/metrics', async (_request, reply) => {
      const { contentType, text } = await read();
      return reply.type(contentType).header('cache-control', 'no-store').send(text);
    });
  };
}
