import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { PeerProcess } from '../support/peer-process.ts';

// Certificates and versions that are wrong on purpose, as stock clients judge them.

t.setTimeout(120_000);
const run = promisify(execFile);

async function lab(t: Test) {
  const sim = await startSimulator();
  t.teardown(() => sim.close());
  const ca = join(t.testdir(), 'ca.pem');
  writeFileSync(ca, sim.ca);
  const curl = async (...args: string[]) => {
    try {
      const { stdout } = await run('curl', ['-sS', '--cacert', ca, ...args, `${sim.urls.gateway}/`]);
      return { code: 0, text: stdout };
    } catch (error) {
      const { code, stderr } = error as { code: number; stderr: string };
      return { code, text: stderr };
    }
  };
  return { sim, ca, curl };
}

/** What OpenSSL, by way of curl, and GnuTLS, by way of openconnect, say of each. */
const FLAWS = [
  ['untrusted', /unable to get local issuer certificate|self.signed certificate/, /signer not found/],
  ['expired', /certificate has expired/, /certificate expired/],
  ['wrong_name', /no alternative certificate subject name matches/, /does not match hostname/],
] as const;

t.test('curl refuses each wrong certificate, and says why', { skip: skipUnless({ programs: ['curl'] }) }, async (t) => {
  const { sim, curl } = await lab(t);
  for (const [flaw, why] of FLAWS) {
    await using rule = sim.faults.add({ on: { seam: 'decision', kind: 'tls' }, then: { do: 'certificate', flaw } });
    const { code, text } = await curl();
    t.equal(code, 60, flaw);
    t.match(text, why, flaw);
    t.equal(rule.hits(), 1);
    await sim.journal.waitFor({ name: 'tls.failed' }, { timeout: 10_000 });
  }
  t.match(await curl(), { code: 0 }, 'the right one comes back with the removal');
});

t.test('openconnect refuses each wrong certificate', { skip: skipUnless({ programs: ['openconnect'] }) }, async (t) => {
  const { sim, ca } = await lab(t);
  for (const [flaw, , why] of FLAWS) {
    await using rule = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'certificate', flaw } });
    const client = new PeerProcess('openconnect', [
      '--protocol=anyconnect',
      '--non-inter',
      '--no-system-trust',
      `--cafile=${ca}`,
      sim.urls.gateway,
    ]);
    t.teardown(() => client.signal('SIGKILL'));
    await client.until(why);
    t.not(await client.ended, 0, flaw);
    t.equal(rule.hits(), 1);
    t.equal(sim.sessions.list().length, 0);
  }
});

t.test('the version of TLS is capped, and clients of today refuse what is too old', async (t) => {
  const { sim, curl } = await lab(t);
  const versionOf = async () => {
    const mark = sim.journal.mark();
    const { code } = await curl();
    if (code !== 0) return code;
    return (await sim.journal.waitFor({ name: 'tls.connect', since: mark })).fields.protocol;
  };
  t.equal(await versionOf(), 'TLSv1.3');
  {
    await using rule = sim.faults.add({
      on: { seam: 'decision', kind: 'tls', remote: '127.0.0.0/8' },
      then: { do: 'tls_version', maxVersion: 'TLSv1.2' },
    });
    t.equal(await versionOf(), 'TLSv1.2');
    t.equal(rule.hits(), 1);
  }
  for (const [maxVersion, option] of [
    ['TLSv1.1', '1.1'],
    ['TLSv1', '1.0'],
  ] as const) {
    const mark = sim.journal.mark();
    await using rule = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'tls_version', maxVersion } });
    t.equal(await versionOf(), 35, `${maxVersion}: curl cannot connect`);
    await sim.journal.waitFor({ name: 'tls.failed', since: mark });
    const old = await curl('--tlsv1.0', '--tls-max', option, '--ciphers', 'DEFAULT@SECLEVEL=0');
    t.equal(old.code, 0, `a client that old is served: ${old.text}`);
    t.ok(rule.hits() >= 2);
  }
  await using elsewhere = sim.faults.add({
    on: { seam: 'decision', remote: '192.0.2.0/24' },
    then: { do: 'certificate', flaw: 'untrusted' },
  });
  t.equal(await versionOf(), 'TLSv1.3', 'others are not concerned');
  t.equal(elsewhere.seen(), 0);
});

t.test('the bundled client refuses an intercepted connection', async (t) => {
  const { sim } = await lab(t);
  await using rule = sim.faults.add({ on: { seam: 'decision' }, then: { do: 'certificate', flaw: 'untrusted' } });
  const token = await sim.token();
  await t.rejects(TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token }), /certificate|trust/i);
  t.equal(rule.hits(), 1);
});

t.test('rules about handshakes that could never match are refused', async (t) => {
  const { sim } = await lab(t);
  const on = { seam: 'decision' } as const;
  const then = { do: 'certificate', flaw: 'expired' } as const;
  t.throws(() => sim.faults.add({ on: { ...on, user: 'alice' }, then }), /the user is unknown/);
  t.throws(() => sim.faults.add({ on: { ...on, kind: 'accept' }, then }), /certificate is not possible at accept/);
  t.throws(() => sim.faults.add({ on, then: { do: 'certificate' } }), /certificate needs "flaw"/);
  t.throws(() => sim.faults.add({ on, then: { do: 'certificate', flaw: 'mouldy' as 'expired' } }), /flaw/);
});
