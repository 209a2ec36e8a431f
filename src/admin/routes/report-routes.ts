import type { FastifyPluginAsync } from 'fastify';
import { route, Type } from '../../lib/schema/index.ts';

/** `/api/report`: events and configuration in one file, without secrets. */
export function reportRoutes(report: () => Promise<Buffer>): FastifyPluginAsync {
  const parts = {
    answer: Type.Unknown({ description: 'A tar archive, compressed by gzip: for `tunnelite open`.' }),
    description:
      'Journal, configuration, answers of this interface, metrics, and headers of captured packets. Secrets are taken out.',
  };
  return async (app) => {
    app.get('/', route('status', 'A report to attach to an issue', parts), async (_, reply) =>
      reply
        .type('application/gzip')
        .header('content-disposition', 'attachment; filename="tunnelite-report.tar.gz"')
        .header('cache-control', 'no-store')
        .send(await report()),
    );
  };
}
