import { X509Certificate } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { BACKDATE_DAYS, CA_DAYS, EXPIRED_DAYS, LEAF_DAYS, LEAF_RENEW_DAYS } from '../../src/certs/constants.ts';
import { type CertificateStore, loadCertificates } from '../../src/certs/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import type { Emit } from '../../src/telemetry/events.ts';

const DAY = 86_400_000;
// Whole seconds, as certificates have them.
const NOW = Math.floor(Date.now() / 1000) * 1000;
const HERE = { dnsNames: ['localhost'], ips: ['127.0.0.1'] };
const ELSEWHERE = { dnsNames: ['example.com'], ips: [] };

interface Told {
  readonly certificate?: string;
  readonly path?: string;
  readonly reason?: string;
}

async function open(directory: string | undefined, now = NOW): Promise<CertificateStore & { readonly told: Told[] }> {
  const told: Told[] = [];
  const emit: Emit = (_, fields) => void told.push(fields as Told);
  const store = await loadCertificates({ directory, clock: new ManualClock(now), random: systemRandom, emit });
  return { ...store, told };
}

const read = (pem: string): X509Certificate => new X509Certificate(pem);
const from = (pem: string): number => Date.parse(read(pem).validFrom);
const until = (pem: string): number => Date.parse(read(pem).validTo);

t.test('a leaf is good from a day ago for 397 days, and its CA for ten years', async (t) => {
  const store = await open(undefined);
  const { certPem, notAfter } = await store.leaf('gateway', HERE);
  t.equal(from(certPem), NOW - BACKDATE_DAYS * DAY);
  t.equal(until(certPem), NOW + (LEAF_DAYS - BACKDATE_DAYS) * DAY);
  t.equal(notAfter, until(certPem));
  t.equal(until(store.ca.certPem), NOW + (CA_DAYS - BACKDATE_DAYS) * DAY);
});

t.test('a stored leaf serves until 30 days before its end', async (t) => {
  const directory = t.testdir();
  const first = await (await open(directory)).leaf('gateway', HERE);
  const last = first.notAfter - LEAF_RENEW_DAYS * DAY;
  const kept = await open(directory, last);
  t.equal((await kept.leaf('gateway', HERE)).fingerprint, first.fingerprint);
  t.strictSame(kept.told, []);
  const later = await open(directory, last + 1000);
  t.not((await later.leaf('gateway', HERE)).fingerprint, first.fingerprint);
  t.match(later.told, [
    { certificate: 'gateway', path: join(directory, 'gateway.pem'), reason: 'it is about to expire' },
  ]);
});

t.test(
  'a stored leaf with another key, of another CA, or from the future is made anew, and that is told',
  async (t) => {
    const directory = t.testdir();
    const store = await open(directory);
    const file = join(directory, 'gateway.pem');
    const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/;
    await store.leaf('gateway', HERE);
    const other = await store.leaf('other', HERE);
    writeFileSync(file, readFileSync(file, 'utf8').replace(key, key.exec(other.keyPem)![0]));
    const mixed = await open(directory);
    const made = await mixed.leaf('gateway', HERE);
    t.match(mixed.told, [{ reason: 'its key belongs to another certificate' }]);
    t.ok(read(made.certPem).verify(read(store.ca.certPem).publicKey));

    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(key, (text) => text.replace(/\w{20}/, 'A'.repeat(20))),
    );
    const broken = await open(directory);
    await broken.leaf('gateway', HERE);
    t.match(broken.told, [{ reason: 'the file could not be read' }]);

    const foreign = await open(undefined);
    const theirs = await foreign.leaf('gateway', HERE);
    writeFileSync(file, theirs.keyPem + theirs.certPem);
    const replaced = await open(directory);
    await replaced.leaf('gateway', HERE);
    t.match(replaced.told, [{ reason: 'another CA issued it' }]);

    const early = await open(directory, NOW - 10 * DAY);
    await early.leaf('gateway', HERE);
    t.match(early.told, [{ reason: 'it is not valid yet by this machine’s clock' }]);
  },
);

t.test('a leaf without names is kept as one with names is', async (t) => {
  const directory = t.testdir();
  const request = { dnsNames: [], ips: [], usages: ['client'], commonName: 'Ada' } as const;
  const first = await (await open(directory)).leaf('ada', request);
  t.match(read(first.certPem).subject, /CN=Ada/);
  t.equal(read(first.certPem).subjectAltName, undefined);
  const again = await open(directory);
  t.equal((await again.leaf('ada', request)).fingerprint, first.fingerprint);
  t.strictSame(again.told, []);
  await again.leaf('ada', HERE);
  t.match(again.told, [{ reason: 'its names changed' }]);
});

t.test(
  'the subject has the name that is given, the first of the names else, of 64 characters at the most',
  async (t) => {
    const store = await open(undefined);
    let made = 0;
    const subject = async (request: Parameters<CertificateStore['leaf']>[1]) =>
      /CN=(.*)$/m.exec(read((await store.leaf(`x${++made}`, request)).certPem).subject)?.[1];
    t.equal(await subject({ ...HERE, commonName: 'c'.repeat(65) }), 'c'.repeat(64));
    t.equal(await subject(HERE), 'localhost');
    t.equal(await subject({ dnsNames: [], ips: ['127.0.0.1'] }), '127.0.0.1');
    t.equal(await subject({ dnsNames: [], ips: [] }), 'tunnelite');
  },
);

t.test(
  'a certificate for a clock that was moved lasts longer than the one before, and no longer than its CA',
  async (t) => {
    const store = await open(undefined);
    const ca = until(store.ca.certPem);
    const end = NOW + LEAF_DAYS * DAY;
    const longer = await store.renewed('gateway', HERE, NOW - 5 * DAY, end - 1000);
    t.equal(longer?.notAfter, end);
    t.equal(from(longer!.certPem), NOW - (5 + BACKDATE_DAYS) * DAY, 'good by a clock that did not move');
    t.equal(await store.renewed('gateway', HERE, NOW, end), undefined, 'it would last no longer');
    await t.rejects(store.renewed('gateway', ELSEWHERE, NOW, 0), { code: 'ERR_CERT_NAME_NOT_PERMITTED' });
    await t.rejects(store.renewed('ca', HERE, NOW, 0), { code: 'ERR_CERT_NAME_NOT_PERMITTED' });
    const clock = new ManualClock(NOW);
    const late = await loadCertificates({ directory: undefined, clock, random: systemRandom, emit: () => {} });
    clock.advance((CA_DAYS - 100) * DAY);
    t.equal((await late.renewed('gateway', HERE, NOW, 0))?.notAfter, ca, 'the end of the CA');
  },
);

t.test('special certificates are for names that are permitted, but for one that nobody vouches for', async (t) => {
  const store = await open(undefined);
  const ca = read(store.ca.certPem);
  for (const kind of ['intermediate', 'expired', 'client'] as const) {
    await t.rejects(store.special(kind, ELSEWHERE), { code: 'ERR_CERT_NAME_NOT_PERMITTED' }, kind);
    t.ok(await store.special(kind, HERE));
  }
  const own = read((await store.special('self-signed', ELSEWHERE)).certPem);
  t.ok(own.checkHost('example.com'));
  t.ok(own.verify(own.publicKey), 'its own key signed it');
  t.notOk(own.verify(ca.publicKey));
  t.equal(own.issuer, own.subject);
  const expired = await store.special('expired', HERE);
  t.ok(until(expired.certPem) <= Date.now() - EXPIRED_DAYS * DAY);
  t.ok(until(expired.certPem) > Date.now() - (EXPIRED_DAYS + 1) * DAY);
  t.ok(from(expired.certPem) < until(expired.certPem));
  t.ok(read(expired.certPem).verify(ca.publicKey));
  const client = read((await store.special('client', HERE)).certPem);
  t.strictSame(client.keyUsage, ['1.3.6.1.5.5.7.3.2']);
  const below = (await store.special('intermediate', HERE)).certPem.match(
    /-----BEGIN[^-]+-----[^-]+-----END[^-]+-----/g,
  )!;
  t.equal(below.length, 2);
  t.ok(read(below[0]!).verify(read(below[1]!).publicKey) && read(below[1]!).verify(ca.publicKey));
});

t.test('where things are is told: the file, or memory', async (t) => {
  const directory = t.testdir();
  const stored = await open(directory);
  await stored.leaf('gateway', HERE);
  t.strictSame(
    stored.told.map(({ path }) => path),
    [join(directory, 'ca.pem'), join(directory, 'gateway.pem')],
  );
  const memory = await open(undefined);
  await memory.leaf('gateway', HERE);
  t.strictSame(
    memory.told.map(({ path }) => path),
    ['memory', 'memory'],
  );
});

t.test('a file that cannot be replaced is an error, and leaves nothing behind', async (t) => {
  const directory = t.testdir();
  const store = await open(directory);
  mkdirSync(join(directory, 'state.json'));
  writeFileSync(join(directory, 'state.json', 'x'), '');
  await t.rejects(store.writeState('state', 1), { code: 'ERR_CERT_DIRECTORY', message: /cannot be written/ });
  t.strictSame(
    readdirSync(directory).filter((name) => name.endsWith('.tmp')),
    [],
  );
  rmSync(join(directory, 'state.json'), { recursive: true });
  await store.writeState('state', 1);
  t.equal(await store.readState('state'), 1);
});

t.test('reading keeps no file open', { skip: process.platform === 'linux' ? false : 'needs /proc' }, async (t) => {
  const store = await open(t.testdir());
  await store.writeState('state', 1);
  const opened = (): number => readdirSync('/proc/self/fd').length;
  const before = opened();
  for (let i = 0; i < 50; i++) await store.readState('state');
  t.ok(opened() < before + 25, `${before} before, ${opened()} after`);
});

t.test('a CA that is renewed may certify what it could before: names, and addresses', async (t) => {
  const directory = t.testdir();
  const make = (permitted: { dns?: string[]; ips?: string[] }) =>
    loadCertificates({ directory, clock: new ManualClock(NOW), random: systemRandom, emit: () => {}, permitted });
  const first = await make({ dns: ['fabrikam.com'], ips: ['10.0.0.0/8'] });
  const second = await make({ dns: ['example.com'] });
  t.not(second.ca.fingerprint, first.ca.fingerprint);
  for (const request of [
    { dnsNames: ['a.fabrikam.com'], ips: [] },
    { dnsNames: ['a.example.com'], ips: [] },
    { dnsNames: [], ips: ['10.1.2.3'] },
  ]) {
    t.ok(await second.leaf(`of-${request.dnsNames.length}-${request.ips.length}`, request));
  }
  await t.rejects(second.leaf('other', { dnsNames: [], ips: ['192.0.2.1'] }), { code: 'ERR_CERT_NAME_NOT_PERMITTED' });
});

t.test(
  'a folder is made with those above it, and files may be read by whom they are for, whatever the umask',
  async (t) => {
    const directory = join(t.testdir(), 'a', 'b', 'c');
    const before = process.umask(0o077);
    t.teardown(() => process.umask(before));
    const store = await open(directory);
    await store.leaf('gateway', HERE);
    const mode = (...names: string[]): string => (statSync(join(directory, ...names)).mode & 0o777).toString(8);
    t.strictSame(
      [mode(), mode('..'), mode('ca.pem'), mode('ca-key.pem'), mode('gateway.pem')],
      [...['700', '700', '644', '600', '600']],
    );
  },
);
