import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import t from 'tap';
import { testLeaf } from '../support/certificates.ts';
import { CHROMIUM } from '../support/chromium.ts';
import { about, provoker, run } from '../support/explaining.ts';
import { skipUnless } from '../support/interop.ts';
import { start } from '../support/running-simulator.ts';

// Every way in which the TLS handshake of a client fails, by programs that people use, and what is made of it.

t.setTimeout(300_000);
const skip = skipUnless({ programs: ['openssl', 'curl', 'gnutls-cli', 'openconnect', 'ssh', 'bash'] });
const sim = await start(t);
const { port } = sim.gateway;
const ca = join(t.testdir(), 'ca.pem');
writeFileSync(ca, sim.ca);
const url = `https://localhost:${port}/`;
const provokes = provoker(() => sim, skip);
/** Begins a handshake, and does not go on: it takes as long as a handshake may. */
const beginning = sim.journal.mark();
const slow = skip
  ? undefined
  : run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '\\x16\\x03\\x01' >&3; cat <&3`]);

/** A handshake of `openssl s_client`, which trusts the CA. */
const sClient = (...args: string[]) =>
  run('openssl', ['s_client', '-connect', `localhost:${port}`, '-CAfile', ca, '-verify_return_error', ...args]);

provokes(
  'tls-untrusted',
  () => run('curl', ['-s', url]),
  (t, { finding, explanation }) => {
    t.match(finding.what, /unknown_ca/);
    t.match(explanation, { outcome: 'failed', client: { library: 'OpenSSL' }, session: undefined });
    t.match(explanation.summary, /got no tunnel: the client does not trust the CA\.$/);
  },
);
provokes(
  'tls-untrusted',
  () => run('gnutls-cli', ['-p', String(port), 'localhost']),
  (t, { finding }) => {
    t.match(finding.what, /GnuTLS.*bad_certificate/);
  },
);
provokes(
  'tls-broken-off',
  () => run('openconnect', ['--non-inter', url]),
  (t, { explanation }) => {
    t.equal(explanation.client.library, 'GnuTLS');
  },
);
provokes('tls-expired', () => sClient('-attime', '2524608000'));
provokes('tls-constraints', () => sClient('-purpose', 'smimesign'));
provokes(
  'tls-name',
  () =>
    run('curl', [
      '-s',
      '--cacert',
      ca,
      '--resolve',
      `other.example:${port}:127.0.0.1`,
      `https://other.example:${port}/`,
    ]),
  (t, { finding }) => t.match(finding, { what: /other\.example/, next: [/gateway\.names=other\.example/] }),
);
provokes('tls-version', () => sClient('-tls1_1', '-cipher', 'DEFAULT:@SECLEVEL=0'));
provokes('tls-no-shared-cipher', () => sClient('-tls1_2', '-cipher', 'CAMELLIA256-SHA'));
provokes('tls-plain-http', () => run('curl', ['-s', `http://localhost:${port}/`]));
provokes('tls-ssh', () => run('ssh', ['-p', String(port), '-o', 'BatchMode=yes', 'localhost']));
provokes('tls-not-tls', () => run('curl', ['-s', '-m', '5', `dict://localhost:${port}/x`]));
provokes(
  'tls-probe',
  async () => {
    const probe = sim.journal.waitFor({ name: 'tls.probe', since: sim.journal.mark() });
    await run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; exec 3>&-`]);
    return about((await probe).fields.remote);
  },
  (t, { explanation }) => t.equal(explanation.outcome, 'unfinished'),
);
provokes(
  'tls-left',
  async (t) => {
    // Somebody in between shakes hands with both sides, and the client does not trust him.
    const leaf = await testLeaf('localhost');
    const inspector = createTlsServer({ cert: leaf.certPem, key: leaf.keyPem }, (client) =>
      client.on('error', () => {}),
    );
    inspector.on('connection', () => {
      const onward = connectTls({ port, host: '127.0.0.1', servername: 'localhost', ca: sim.ca });
      const refused = once(inspector, 'tlsClientError');
      onward.on('error', () => {}).once('secureConnect', () => refused.then(() => onward.end()));
    });
    inspector.listen(0, '127.0.0.1');
    t.teardown(() => inspector.close());
    await once(inspector, 'listening');
    const own = (inspector.address() as AddressInfo).port;
    const secure = sim.journal.waitFor({ name: 'tls.connect', since: sim.journal.mark() });
    await Promise.all([secure, run('curl', ['-s', '--cacert', ca, `https://localhost:${own}/`])]);
  },
  (t, { finding }) => t.match(finding.why, /inspects TLS/),
);
provokes('tls-other', async () => {
  // A record of a handshake that goes on with nonsense.
  const hello = Buffer.from('160301000401000000', 'hex').toString('latin1');
  const bytes = [...Buffer.from(hello, 'latin1')].map((byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('');
  await run('bash', ['-c', `exec 3<>/dev/tcp/127.0.0.1/${port}; printf '${bytes}' >&3; cat <&3`]);
});

const provokesByBrowser = provoker(() => sim, skip || skipUnless({ programs: ['chromium'] }));
provokesByBrowser('tls-refused-certificate', async (t) => {
  const profile = mkdtempSync(join(tmpdir(), 'tunnelite-explain-'));
  t.teardown(() => rmSync(profile, { recursive: true, maxRetries: 10 }));
  // Not the first failure: a browser drops connections that it has made in advance, too.
  const refusal = { name: 'tls.failed', fields: { alert: 'certificate_unknown' }, since: sim.journal.mark() } as const;
  const refused = sim.journal.waitFor(refusal, { timeout: 60_000 });
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', `--user-data-dir=${profile}`, url];
  const browser = spawn(CHROMIUM, args, { stdio: 'ignore' });
  const gone = once(browser, 'close');
  await refused.finally(() => browser.kill());
  await gone;
});

provokes('tls-timeout', async () => {
  await slow;
  return about('last', beginning);
});
