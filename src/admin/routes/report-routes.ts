import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** `/api/report`: events and configuration in one file, without secrets. */
export function reportRoutes(report: () => Promise<Buffer>): FastifyPluginAsync {
  const parts = {
    answer: Type.Unknown({ description: 'A tar archive, compressed with gzip, for `tunnelite open`.' }),
    type: 'application/gzip',
    description:
      'Journal, configuration, answers of this interface, metrics, and headers of captured packets, without secrets.',
  };
  return async (app) => {
    app.get('/', route('status', 'Create a report to attach to an issue', parts), async (_, reply) =>
      reply
        .type('application/gzip')
        .header('content-disposition', 'attachment; filename="tunnelite-report.tar.gz"')
        .header('cache-control', 'no-store')
        .send(await report()),
    );
  };
}
