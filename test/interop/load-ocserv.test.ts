import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import type { LoadResult } from '../../src/load/index.ts';
import { cli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { loadClients } from '../support/load-clients.ts';
import { OCSERV_INNER, OCSERV_PASSWORD, OCSERV_USER, startOcserv } from '../support/ocserv.ts';

/* The same plan against a gateway that is not ours: clients at ocserv, with its own login. */

const options = { skip: skipUnless({ programs: ['ocserv', 'ocpasswd'], root: true, tun: true }) };
// Above the longest that the phases of the plan may take.
t.setTimeout(240_000);

const CLIENTS = loadClients(20);

t.test(`${CLIENTS} clients of ocserv lose UDP at once, and go on over TLS`, options, async (t) => {
  await using server = await startOcserv([
    'dpd = 30',
    'mobile-dpd = 30',
    `max-clients = ${CLIENTS + 100}`,
    `max-same-clients = ${CLIENTS + 100}`,
  ]);
  // What inner flows go to: the kernel behind the gateway answers by a server of this process.
  const flows = new Set<Socket>();
  const echo = createServer((socket) => {
    flows.add(socket);
    socket.once('close', () => flows.delete(socket)).on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => echo.listen(0, resolve));
  t.teardown(() => {
    echo.close();
    // Their other ends went with the gateway and its devices, without output: they would stay open for ever.
    for (const socket of flows) socket.destroy();
  });
  const { port } = echo.address() as { port: number };
  // Packets that nobody asked for: some reach ocserv between a client's decision for TLS and its first packet over it, and go to the old port.
  const behind = createSocket('udp4').on('error', () => {});
  const calling = setInterval(() => {
    for (const address of tunnelAddresses()) behind.send('x', 9, address);
  }, 100);
  t.teardown(() => {
    clearInterval(calling);
    behind.close();
  });
  const folder = t.testdir();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  const password = file('password', `${OCSERV_PASSWORD}\n`);
  const plan = file(
    'plan.yaml',
    `clients: ${CLIENTS}
server: 127.0.0.1:${server.port}
password: { user: ${OCSERV_USER}, file: ${password} }
client: { unanswered: 8s, dtlsRetry: [1s, 4s] }
traffic: { ping: ${OCSERV_INNER}, every: 500ms }
flows: { to: '${OCSERV_INNER}:${port}', share: 0.1 }
phases:
  - { phase: login storm, for: 60s, until: done, arrivals: { constant: 5 } }
  - { phase: steady, for: 4s }
  - { phase: udp blackout, for: 60s, until: done }
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
  const { counters } = totals;
  t.match(counters, { 'login.done': CLIENTS, 'login.failed': 0 });
  t.match(
    counters,
    {
      'sessions.lost': 0,
      'dtls.done': CLIENTS,
      'fallback.cut': CLIENTS,
      'fallback.done': CLIENTS,
      'return.restored': CLIENTS,
      'return.done': CLIENTS,
      'flows.broken': 0,
      refusals: 0,
    },
    JSON.stringify(totals.refusals),
  );
  t.ok(counters['flows.opened'] >= 1);
  t.equal(phases[2]!.measures.times.fallback!.count, counters['fallback.cut']);
  // Of the steady phase alone there are eight of each client.
  t.ok(counters['requests.answered'] >= CLIENTS * 4 && counters['requests.lost'] >= CLIENTS);
  t.match(gateway, { source: 'pid' });
  t.ok(gateway!.cpu > 0 && gateway!.rss.max > 1e6);
});

/** The inner addresses of clients that are connected, from the routes to ocserv's devices. */
function tunnelAddresses(): string[] {
  return readFileSync('/proc/net/route', 'latin1')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter(([device]) => device?.startsWith('tlo'))
    .map(([, address]) => Buffer.from(address!, 'hex').reverse().join('.'));
}
