import type { FastifyPluginAsync } from 'fastify';
import {
  type AdminRoutes,
  type AdminServer,
  explainRoutes,
  journalRoutes,
  sessionRoutes,
  startAdmin,
} from '../admin/index.ts';
import { explain } from '../explain/index.ts';
import type { SessionInfo } from '../gateway/index.ts';
import { TunneliteError } from '../lib/errors.ts';
import { systemRandom } from '../lib/random.ts';
import { Journal } from '../telemetry/index.ts';
import type { Report } from './unpack.ts';

const readOnly = (): never => {
  throw new TunneliteError('ERR_REPORT_READ_ONLY');
};

/** Serves a report like a running instance: the same URLs and the same dashboard, read-only. */
export async function serveReport(report: Report, { host = '127.0.0.1', port = 0 } = {}): Promise<AdminServer> {
  const { manifest, metrics } = report;
  return startAdmin({
    host,
    port,
    random: systemRandom,
    version: manifest.version,
    reportedAt: manifest.createdAt,
    check: async () => [{ name: 'report', ok: true, explanation: 'This is a report, not a running instance.' }],
    metrics: async () => ({ contentType: 'text/plain; version=0.0.4; charset=utf-8', text: metrics }),
    routes: routesOf(report),
  });
}

function routesOf(report: Report): AdminRoutes[] {
  const { answers } = report;
  const journal = new Journal({ capacity: report.events.length + 1 });
  for (const event of report.events) journal.append(event);
  journal.finish();
  // Sequence numbers start at 1: the journal dropped events before the first one present.
  const lost = Math.max(0, (report.events[0]?.seq ?? 1) - 1);
  const listed = (answers.get('/api/sessions') as { sessions?: unknown } | undefined)?.sessions;
  const sessions = (Array.isArray(listed) ? listed : []).filter(isSession);
  const get = (id: string): SessionInfo => {
    const session = sessions.find((one) => one.id === id);
    if (session) return session;
    throw new TunneliteError('ERR_SESSION_UNKNOWN', 'The report has no such session.', { details: { id } });
  };
  return [
    { prefix: '/api/journal', plugin: journalRoutes({ journal, subscribe: () => () => {} }) },
    {
      prefix: '/api/sessions',
      plugin: sessionRoutes({ list: () => sessions, get, disconnect: readOnly, expire: readOnly, rekey: readOnly }),
    },
    { prefix: '/api/explain', plugin: explainRoutes((subject) => explain(report.events, subject, lost)) },
    { prefix: '/api', plugin: answersPlugin(report) },
  ];
}

function isSession(value: unknown): value is SessionInfo {
  const { id, username } = (value ?? {}) as Partial<SessionInfo>;
  return typeof id === 'string' && typeof username === 'string';
}

/** Serves the saved responses; refuses requests that change something. */
function answersPlugin({ answers, manifest, capture }: Report): FastifyPluginAsync {
  const hidden = { schema: { hide: true } };
  return async (app) => {
    app.get('/report', hidden, async () => manifest);
    app.get('/capture', hidden, async () => ({
      captures: capture === undefined ? [] : [{ id: 'c1', state: 'stopped' }],
    }));
    if (capture !== undefined) {
      app.get('/capture/c1/download', hidden, async (_, reply) => reply.type('application/x-pcapng').send(capture));
    }
    for (const [address, answer] of answers) {
      const path = address.slice('/api'.length);
      if (/^\/(?:journal|sessions|explain|capture|report|docs|openapi|dashboard)/.test(path)) continue;
      app.get(path, hidden, async () => answer);
    }
    app.route({ method: ['POST', 'PUT', 'PATCH', 'DELETE'], url: '/*', ...hidden, handler: async () => readOnly() });
  };
}
