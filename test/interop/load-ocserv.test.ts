import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { LoadResult } from '../../src/load/index.ts';
import { cli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { OCSERV_INNER, OCSERV_PASSWORD, OCSERV_USER, startOcserv } from '../support/ocserv.ts';

/* The same plan against a gateway that is not ours: 50 clients at ocserv, with its own login. */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd'], root: true, tun: true }) };
t.setTimeout(180_000);

t.test('50 clients of ocserv lose UDP at once, and go on over TLS', options, async (t) => {
  await using server = await startOcserv([
    'dpd = 30',
    'mobile-dpd = 30',
    'max-clients = 200',
    'max-same-clients = 200',
  ]);
  // What inner flows go to: the kernel behind the gateway answers by a server of this process.
  const echo = createServer((socket) => void socket.on('error', () => {}).pipe(socket));
  await new Promise<void>((resolve) => echo.listen(0, resolve));
  t.teardown(() => echo.close());
  const { port } = echo.address() as { port: number };
  const folder = t.testdir();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const password = file('password', `${OCSERV_PASSWORD}\n`);
  const plan = file(
    'plan.yaml',
    `clients: 50
server: 127.0.0.1:${server.port}
password: { user: ${OCSERV_USER}, file: ${password} }
client: { dtlsRetry: [1s, 4s] }
traffic: { ping: ${OCSERV_INNER}, every: 500ms }
flows: { to: '${OCSERV_INNER}:${port}', share: 0.1 }
phases:
  - { phase: login storm, for: 60s, until: done, arrivals: { constant: 5 } }
  - { phase: steady, for: 4s }
  - { phase: udp blackout, for: 20s, until: done }
  - { phase: return, for: 40s, until: done }
`,
  );
  const ca = file('ca.pem', server.caPem);
  const out = join(folder, 'result.json');
  const { err } = await cli([
    'load',
    plan,
    '--cacert',
    ca,
    '--pid',
    String(server.process.pid),
    '--json',
    '--out',
    out,
  ]);
  const { meta, totals, phases, gateway, validity } = JSON.parse(readFileSync(out, 'utf8')) as LoadResult;
  t.comment(err, JSON.stringify(totals.counters), validity.reasons.join(' '));
  t.match(meta.server, { kind: 'password', dpd: 30 });
  t.strictSame(totals.refusals, {});
  t.match(totals.counters, {
    'login.done': 50,
    'dtls.done': 50,
    'fallback.cut': 50,
    'fallback.done': 50,
    'fallback.never': 0,
  });
  t.match(totals.counters, {
    'return.restored': 50,
    'return.done': 50,
    'sessions.lost': 0,
    'flows.opened': 5,
    'flows.broken': 0,
  });
  t.equal(phases[2]!.measures.times.fallback!.count, 50);
  t.ok(totals.counters['requests.answered'] > totals.counters['requests.lost']);
  t.match(gateway, { source: 'pid' });
  t.ok(gateway!.cpu > 0 && gateway!.rss.max > 1e6);
});
