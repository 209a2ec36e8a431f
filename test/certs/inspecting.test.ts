import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadCertificates } from '../../src/certs/index.ts';
import { inspectingAuthority } from '../../src/certs/inspecting.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { Emit } from '../../src/telemetry/events.ts';

const DAY = 86_400_000;

async function open(directory: string, domains: string[] = [], clock = new ManualClock(Date.now())) {
  const events: string[] = [];
  const emit: Emit = (name, fields) =>
    void ('certificate' in fields && fields.certificate === 'inspecting-ca' && events.push(name));
  const common = { clock, random: systemRandom, emit };
  const certificates = await loadCertificates({ directory, permitted: { dns: domains }, ...common });
  return { certificates, events, clock, authority: inspectingAuthority({ certificates, ...common }) };
}

t.test('the inspecting CA is another than the machine’s, is made once, and is kept', async (t) => {
  const directory = t.testdir();
  const first = await open(directory);
  t.strictSame(first.events, [], 'nothing is made before it is asked for');
  const pem = await first.authority.ca();
  t.equal(await first.authority.ca(), pem);
  t.strictSame(first.events, ['certificate.created']);
  const ca = new X509Certificate(pem);
  t.ok(ca.ca);
  t.match(ca.subject, /CN=Tunnelite inspecting CA [0-9a-f]{8}$/);
  const machines = new X509Certificate(first.certificates.ca.certPem);
  t.match(machines.subject, /CN=Tunnelite development CA [0-9a-f]{8}$/);
  t.notOk(
    ca.verify(new X509Certificate(first.certificates.ca.certPem).publicKey),
    'the machine’s CA does not vouch for it',
  );
  const later = await open(directory);
  t.equal(await later.authority.ca(), pem);
  t.strictSame(later.events, []);
});

t.test('it certifies the names and addresses that the machine’s CA may, and no others', async (t) => {
  const { authority } = await open(t.testdir(), ['contoso.internal']);
  const ca = new X509Certificate(await authority.ca());
  for (const host of ['localhost', 'intranet.contoso.internal', '127.0.0.1', '::1']) {
    const { cert, key, notAfter } = await authority.certificate(host);
    const leaf = new X509Certificate(cert);
    t.ok(leaf.verify(ca.publicKey), host);
    t.ok(host.includes(':') || /^\d/.test(host) ? leaf.checkIP(host) : leaf.checkHost(host), host);
    t.equal(notAfter, Date.parse(leaf.validTo));
    t.match(key, 'PRIVATE KEY');
    t.equal(cert.match(/BEGIN CERTIFICATE/g)?.length, 2, 'with the CA behind it');
    t.ok(cert.endsWith(ca.toString().trimEnd()) || cert.trimEnd().endsWith(ca.toString().trimEnd()));
  }
  for (const host of ['example.com', 'contoso.internal.example', '192.0.2.1', '2001:db8::1']) {
    await t.rejects(authority.certificate(host), { code: 'ERR_CERT_NAME_NOT_PERMITTED', details: { refused: [host] } });
  }
});

t.test(
  'it is renewed with its own key when the configuration names more, and in good time before it expires',
  async (t) => {
    const directory = t.testdir();
    const first = await open(directory);
    const before = new X509Certificate(await first.authority.ca());
    const wider = await open(directory, ['fabrikam.internal']);
    const after = new X509Certificate(await wider.authority.ca());
    t.strictSame(wider.events, ['certificate.renewed']);
    t.ok(after.checkIssued(before) && after.verify(before.publicKey), 'the same key');
    t.not(after.fingerprint256, before.fingerprint256);
    t.ok(await wider.authority.certificate('a.fabrikam.internal'));
    const narrow = await open(directory);
    t.equal(
      new X509Certificate(await narrow.authority.ca()).fingerprint256,
      after.fingerprint256,
      'fewer names need no other',
    );

    const left = Date.parse(after.validTo) - Date.now();
    const late = await open(directory, ['fabrikam.internal'], new ManualClock(Date.now() + left - DAY));
    t.not(new X509Certificate(await late.authority.ca()).fingerprint256, after.fingerprint256);
    t.strictSame(late.events, ['certificate.renewed']);
  },
);

t.test(
  'a state file that holds no CA with its key is an error that says what to do, until it is deleted',
  async (t) => {
    const directory = t.testdir();
    const { authority } = await open(directory);
    await authority.ca();
    const file = join(directory, 'inspecting-ca.json');
    const good = JSON.parse(readFileSync(file, 'utf8'));
    const other = await open(t.testdir());
    await other.authority.ca();
    const leaf = await authority.certificate('localhost');
    const foreign = JSON.parse(readFileSync(join(other.certificates.directory!, 'inspecting-ca.json'), 'utf8'));
    for (const [name, state] of Object.entries({
      'no certificate': { keyPem: good.keyPem },
      'no key': { certPem: good.certPem },
      numbers: { certPem: 1, keyPem: 2 },
      garbage: { certPem: 'x', keyPem: 'y' },
      'the key of another': { ...good, keyPem: foreign.keyPem },
    })) {
      writeFileSync(file, JSON.stringify(state));
      const again = await open(directory);
      await t.rejects(again.authority.ca(), { code: 'ERR_CERT_CORRUPT', hint: /Delete it/ }, name);
    }
    t.ok(leaf);
    writeFileSync(file, JSON.stringify(good));
    const again = await open(directory);
    t.equal(await again.authority.ca(), good.certPem);
  },
);

t.test('a CA that could not be had is looked for again', async (t) => {
  const directory = t.testdir({ 'inspecting-ca.json': '{}' });
  const { authority } = await open(directory);
  await t.rejects(authority.ca(), { code: 'ERR_CERT_CORRUPT' });
  const good = await open(t.testdir());
  const pem = await good.authority.ca();
  writeFileSync(
    join(directory, 'inspecting-ca.json'),
    readFileSync(join(good.certificates.directory!, 'inspecting-ca.json')),
  );
  t.equal(await authority.ca(), pem);
});
