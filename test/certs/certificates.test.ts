import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect, createServer } from 'node:tls';
import t from 'tap';
import { type CertificateStore, loadCertificates, type NameConstraints } from '../../src/certs/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { type Emit, EVENTS } from '../../src/telemetry/events.ts';
import { which } from '../support/interop.ts';

const DAY = 86_400_000;
const GATEWAY = { dnsNames: ['localhost', 'vpn.contoso.internal'], ips: ['127.0.0.1', '::1'] };

interface Setup {
  readonly directory?: string;
  readonly clock?: ManualClock;
  readonly permitted?: { dns?: string[]; ips?: string[] };
  readonly welcome?: { dns?: string[] };
  readonly constraints?: NameConstraints;
}

/** Loads and keeps what was reported, as `name of event: name of certificate, or what is said of it`. */
async function load(setup: Setup = {}): Promise<CertificateStore & { readonly events: string[] }> {
  const events: string[] = [];
  const emit: Emit = (name, fields) =>
    void events.push(`${name}: ${'certificate' in fields ? fields.certificate : EVENTS[name].text(fields)}`);
  const store = await loadCertificates({
    directory: setup.directory,
    clock: setup.clock ?? new ManualClock(Date.now()),
    random: systemRandom,
    emit,
    ...(setup.permitted ? { permitted: setup.permitted } : {}),
    ...(setup.welcome ? { welcome: setup.welcome } : {}),
    ...(setup.constraints ? { constraints: setup.constraints } : {}),
  });
  return { ...store, events };
}

const first = (pem: string): X509Certificate => new X509Certificate(pem);

t.test('the first start makes a constrained CA that only its owner can use', async (t) => {
  const directory = join(t.testdir(), 'certs');
  const store = await load({ directory });
  const ca = first(store.ca.certPem);
  t.equal(ca.ca, true);
  t.equal(ca.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  t.equal(store.ca.fingerprint, ca.fingerprint256);
  t.equal(readFileSync(store.ca.path!, 'utf8'), store.ca.certPem);
  t.notMatch(store.ca.certPem, /PRIVATE/);
  t.equal(statSync(directory).mode & 0o777, 0o700);
  t.equal(statSync(join(directory, 'ca-key.pem')).mode & 0o777, 0o600);
  t.equal(readFileSync(join(directory, '.gitignore'), 'utf8'), '*\n');
  t.same(store.events, ['certificate.created: ca']);
});

t.test('a leaf serves TLS to a client that trusts the CA, by name and by both loopback addresses', async (t) => {
  const store = await load();
  const { certPem, keyPem } = await store.leaf('gateway', GATEWAY);
  const server = createServer({ cert: certPem, key: keyPem }, (socket) => socket.end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as { port: number };
  for (const servername of ['localhost', 'vpn.contoso.internal']) {
    await new Promise<void>((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca: store.ca.certPem }, () => {
        socket.destroy();
        resolve();
      }).on('error', reject);
    });
  }
  t.equal(first(certPem).checkIP('127.0.0.1'), '127.0.0.1');
  t.ok(first(certPem).checkIP('::1'));
  t.ok(first(certPem).checkPrivateKey(createPrivateKey(keyPem)));
});

t.test('a later start reuses CA and leaf', async (t) => {
  const directory = t.testdir();
  const before = await load({ directory });
  const leaf = await before.leaf('gateway', GATEWAY);
  const after = await load({ directory });
  t.equal(after.ca.fingerprint, before.ca.fingerprint);
  t.same(await after.leaf('gateway', { ...GATEWAY, ips: ['0:0:0:0:0:0:0:1', '127.0.0.1'] }), leaf);
  t.same(after.events, []);
});

t.test('a leaf is renewed when it is about to expire or its request changed', async (t) => {
  const directory = t.testdir();
  const clock = new ManualClock(Date.now());
  const store = await load({ directory, clock });
  const one = await store.leaf('gateway', GATEWAY);
  clock.advance(360 * DAY);
  t.equal((await store.leaf('gateway', GATEWAY)).fingerprint, one.fingerprint, 'a month and more is left');
  clock.advance(10 * DAY);
  const two = await store.leaf('gateway', GATEWAY);
  t.not(two.fingerprint, one.fingerprint, 'less than a month is left');
  const three = await store.leaf('gateway', { ...GATEWAY, dnsNames: ['localhost'] });
  t.not(three.fingerprint, two.fingerprint, 'the names changed');
  const four = await store.leaf('gateway', { ...GATEWAY, dnsNames: ['localhost'], usages: ['server', 'client'] });
  t.not(four.fingerprint, three.fingerprint, 'the usages changed');
  t.equal(first(four.certPem).verify(first(store.ca.certPem).publicKey), true);
  t.equal(store.events.filter((event) => event === 'certificate.renewed: gateway').length, 3);
});

t.test('the CA is renewed with its own key, so that leaves issued before stay valid', async (t) => {
  const directory = t.testdir();
  const clock = new ManualClock(Date.now());
  const before = await load({ directory, clock });
  clock.advance(3300 * DAY);
  const leaf = await before.leaf('gateway', GATEWAY);
  const after = await load({ directory, clock });
  t.not(after.ca.fingerprint, before.ca.fingerprint);
  t.match(after.events, [/^certificate\.authority\.renewed: .*: it expires on \d{4}-\d\d-\d\d\. Every client/]);
  t.match(after.events[0], `SHA-256 ${after.ca.fingerprint}`);
  t.equal(after.events.length, 1);
  t.equal(first(leaf.certPem).verify(first(after.ca.certPem).publicKey), true);
  t.ok(first(leaf.certPem).checkIssued(first(after.ca.certPem)));
  t.equal((await after.leaf('gateway', GATEWAY)).fingerprint, leaf.fingerprint);
});

t.test('a welcome name is permitted by a CA that is made, and no reason to renew one that is there', async (t) => {
  const directory = t.testdir();
  const before = await load({ directory, welcome: { dns: ['old-host'] } });
  t.ok(before.permits('old-host'));
  const after = await load({ directory, welcome: { dns: ['new-host'] } });
  t.same(after.events, []);
  t.equal(after.ca.fingerprint, before.ca.fingerprint);
  t.notOk(after.permits('new-host'));
  const renewed = await load({ directory, welcome: { dns: ['new-host'] }, permitted: { dns: ['fabrikam.example'] } });
  t.ok(renewed.permits('new-host'), 'once it has to be trusted anew, it may as well be there');
});

t.test('names outside the constraints are refused, until the configuration permits them', async (t) => {
  const directory = t.testdir();
  const request = { dnsNames: ['*.fabrikam.example'], ips: ['10.1.2.3'] };
  const narrow = await load({ directory });
  await t.rejects(narrow.leaf('extra', request), {
    code: 'ERR_CERT_NAME_NOT_PERMITTED',
    details: { refused: ['*.fabrikam.example', '10.1.2.3'] },
  });
  const permitted = { dns: ['fabrikam.example'], ips: ['10.1.0.0/16'] };
  const wide = await load({ directory, permitted });
  t.match(wide.events, [
    /^certificate\.authority\.renewed: .* fabrikam\.example, 10\.1\.0\.0\/16, .*must trust the new/,
  ]);
  t.equal(wide.events.length, 1);
  t.ok(await wide.leaf('extra', request));
  const again = await load({ directory });
  t.same(again.events, [], 'what was once permitted stays so: no flapping between configurations');
  t.equal(again.ca.fingerprint, wide.ca.fingerprint);
});

t.test('a damaged, exchanged or half-deleted CA is an error that says what to do', async (t) => {
  const directory = t.testdir({ one: {}, two: {} });
  const one = join(directory, 'one');
  const two = join(directory, 'two');
  await load({ directory: one });
  await load({ directory: two });
  const keyFile = join(one, 'ca-key.pem');
  const good = readFileSync(keyFile, 'utf8');
  const other = readFileSync(join(two, 'ca-key.pem'), 'utf8');
  const refuses = async (code: 'ERR_CERT_CORRUPT' | 'ERR_CERT_MISMATCH'): Promise<void> => {
    const error = await load({ directory: one }).then(
      () => undefined,
      (error: unknown) => error,
    );
    t.ok(isTunneliteError(error, code), code);
    t.match((error as { hint: string }).hint, /delete ca.pem and ca-key.pem/);
  };
  for (const text of ['', 'garbage', good.slice(0, 300), good.replace(/\w{20}/g, 'A'.repeat(20))]) {
    writeFileSync(keyFile, text);
    await refuses('ERR_CERT_CORRUPT');
  }
  const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----\n/;
  writeFileSync(keyFile, good.replace(key, key.exec(other)![0]));
  await refuses('ERR_CERT_MISMATCH');
  rmSync(keyFile);
  await refuses('ERR_CERT_MISMATCH');
  rmSync(join(one, 'ca.pem'));
  t.same((await load({ directory: one })).events, ['certificate.created: ca'], 'what the hint says helps');
});

t.test('a certificate that is no CA is not taken for one', async (t) => {
  const directory = t.testdir();
  const store = await load({ directory });
  await store.leaf('gateway', GATEWAY);
  writeFileSync(join(directory, 'ca-key.pem'), readFileSync(join(directory, 'gateway.pem'), 'utf8'));
  await t.rejects(load({ directory }), { code: 'ERR_CERT_CORRUPT' });
});

t.test('a file of more than a megabyte, or what is no file, is not read', async (t) => {
  const directory = t.testdir();
  await load({ directory });
  const keyFile = join(directory, 'ca-key.pem');
  const good = readFileSync(keyFile, 'utf8');
  writeFileSync(keyFile, good.padEnd(1 << 20, '\n'));
  t.same((await load({ directory })).events, [], 'a megabyte is read');
  writeFileSync(keyFile, good.padEnd((1 << 20) + 1, '\n'));
  await t.rejects(load({ directory }), { code: 'ERR_CERT_CORRUPT', message: /not written by Tunnelite/ });
  rmSync(keyFile);
  mkdirSync(keyFile);
  await t.rejects(load({ directory }), { code: 'ERR_CERT_CORRUPT', message: /not written by Tunnelite/ });
});

const hasOpenssl = { skip: which('openssl') ? false : 'openssl is not installed' };

t.test('the CA says what it is for, and a leaf what it is not', hasOpenssl, async (t) => {
  const store = await load();
  const read = (pem: string): string =>
    execFileSync('openssl', ['x509', '-noout', '-ext', 'basicConstraints,keyUsage,extendedKeyUsage'], {
      input: pem,
      encoding: 'utf8',
    }).replaceAll(/\s+/g, ' ');
  const ca = read(store.ca.certPem);
  t.match(ca, 'X509v3 Basic Constraints: critical CA:TRUE, pathlen:1');
  t.match(ca, 'X509v3 Key Usage: critical Certificate Sign, CRL Sign');
  t.notMatch(ca, 'Extended');
  const leaf = read((await store.leaf('gateway', GATEWAY)).certPem);
  t.match(leaf, 'X509v3 Basic Constraints: critical CA:FALSE');
  t.match(leaf, 'X509v3 Key Usage: critical Digital Signature');
  t.match(leaf, /Extended Key Usage: TLS Web Server Authentication ?$/);
  const both = await store.leaf('both', { ...GATEWAY, usages: ['server', 'client'] });
  t.match(read(both.certPem), 'TLS Web Server Authentication, TLS Web Client Authentication');
  const below = await store.special('intermediate', GATEWAY);
  const [, middle] = below.certPem.match(/-----BEGIN[^-]+-----[^-]+-----END[^-]+-----\n/g)!;
  const issuing = read(middle!);
  t.match(issuing, 'X509v3 Basic Constraints: critical CA:TRUE, pathlen:0');
  t.match(issuing, 'X509v3 Key Usage: critical Certificate Sign, CRL Sign');
});

t.test('a leaf file that cannot be read, or that another CA issued, is made anew', async (t) => {
  const directory = t.testdir();
  const store = await load({ directory });
  await store.leaf('gateway', GATEWAY);
  const file = join(directory, 'gateway.pem');
  const foreign = await load();
  writeFileSync(file, 'garbage');
  const one = await store.leaf('gateway', GATEWAY);
  t.ok(first(one.certPem).verify(first(store.ca.certPem).publicKey));
  const { certPem, keyPem } = await foreign.leaf('gateway', GATEWAY);
  writeFileSync(file, keyPem + certPem);
  const two = await store.leaf('gateway', GATEWAY);
  t.ok(first(two.certPem).verify(first(store.ca.certPem).publicKey));
  t.equal(statSync(file).mode & 0o777, 0o600);
});

t.test('simultaneous first starts agree on one CA and leave no temporary files', async (t) => {
  const directory = t.testdir();
  const stores = await Promise.all(Array.from({ length: 8 }, () => load({ directory })));
  t.equal(new Set(stores.map((store) => store.ca.fingerprint)).size, 1);
  t.equal(stores.flatMap((store) => store.events).length, 1);
  const leaves = await Promise.all(stores.map((store) => store.leaf('gateway', GATEWAY)));
  for (const leaf of leaves) t.ok(first(leaf.certPem).checkPrivateKey(createPrivateKey(leaf.keyPem)));
  t.same(readdirSync(directory).sort(), ['ca-key.pem', 'ca.pem', 'gateway.pem']);
});

t.test('state is kept for the owner alone, replaced whole, and refused when damaged', async (t) => {
  const directory = t.testdir();
  const store = await load({ directory });
  t.equal(await store.readState('signing-keys'), undefined);
  await store.writeState('signing-keys', { keys: [1] });
  await store.writeState('signing-keys', { keys: [2] });
  t.same(await (await load({ directory })).readState('signing-keys'), { keys: [2] });
  const file = join(directory, 'signing-keys.json');
  t.equal(statSync(file).mode & 0o777, 0o600);
  writeFileSync(file, '{"keys":');
  await t.rejects(store.readState('signing-keys'), { code: 'ERR_STATE_CORRUPT', details: { path: file } });
  await store.deleteState('signing-keys');
  await store.deleteState('signing-keys');
  t.equal(await store.readState('signing-keys'), undefined);
  for (const name of ['../escape', 'ca', 'ca-key', '', 'A']) {
    await t.rejects(store.writeState(name, {}), { code: 'ERR_CERT_NAME_NOT_PERMITTED' }, `"${name}"`);
  }
});

t.test('a directory that cannot be used is a coded error', async (t) => {
  const directory = t.testdir({ file: 'not a folder' });
  await t.rejects(load({ directory: join(directory, 'file') }), {
    code: 'ERR_CERT_DIRECTORY',
    message: /file cannot be used: it is not a folder$/,
  });
  await t.rejects(load({ directory: join(directory, 'file', 'below') }), { code: 'ERR_CERT_DIRECTORY' });
  if (process.platform === 'linux') {
    await t.rejects(load({ directory: '/proc/tunnelite/certs' }), { code: 'ERR_CERT_DIRECTORY' });
  }
  mkdirSync(join(directory, 'ca-key.pem'));
  await t.rejects(load({ directory }), { code: 'ERR_CERT_CORRUPT' });
  if (process.getuid?.() !== 0) {
    mkdirSync(join(directory, 'locked'));
    chmodSync(join(directory, 'locked'), 0o500);
    await t.rejects(load({ directory: join(directory, 'locked') }), { code: 'ERR_CERT_DIRECTORY' });
  }
});

t.test('trust help names the file, its fingerprint and every platform', async (t) => {
  const store = await load({ directory: t.testdir() });
  const text = store.trustHelp();
  t.ok(text.includes(store.ca.path!));
  t.ok(text.includes(store.ca.fingerprint));
  for (const word of [
    'macOS',
    'Debian',
    '.pki/nssdb',
    'Windows',
    'iOS',
    'Android',
    'NODE_EXTRA_CA_CERTS',
    '--cafile',
  ]) {
    t.ok(text.includes(word), word);
  }
});

/** Names that the CA of these tests does not permit. */
const OUTSIDE = [
  { dnsNames: ['login.microsoftonline.com'], ips: [] },
  { dnsNames: ['notlocalhost'], ips: [] },
  { dnsNames: ['localhost'], ips: ['8.8.8.8'] },
  { dnsNames: ['localhost'], ips: ['2001:db8::1'] },
];

t.test(
  'GnuTLS accepts the leaves, and refuses one that the CA key signs for a name outside the constraints',
  { skip: which('certtool') ? false : 'certtool is not installed' },
  async (t) => {
    const directory = t.testdir();
    const store = await load({ directory });
    await store.leaf('gateway', GATEWAY);
    const verify = (file: string): string => {
      const { stdout, stderr } = spawnSync(
        'certtool',
        ['--verify', '--load-ca-certificate', 'ca.pem', '--infile', file],
        { cwd: directory, encoding: 'utf8' },
      );
      return stdout + stderr;
    };
    t.match(verify('gateway.pem'), /Chain verification output: Verified\. The certificate is trusted/);
    const { issueLeaf } = await import('../../src/certs/issue.ts');
    const issuer = { certPem: store.ca.certPem, key: createPrivateKey(readFileSync(join(directory, 'ca-key.pem'))) };
    for (const request of OUTSIDE) {
      const issued = await issueLeaf({ now: Date.now(), random: systemRandom, request }, issuer);
      writeFileSync(join(directory, 'outside.pem'), issued.certPem);
      t.match(verify('outside.pem'), /violates the signer's constraints/, [...request.dnsNames, ...request.ips].join());
    }
  },
);

t.test(
  'OpenSSL accepts the leaves, and refuses one that the CA key signs for a name outside the constraints',
  { skip: which('openssl') ? false : 'openssl is not installed' },
  async (t) => {
    const directory = t.testdir();
    const store = await load({ directory });
    await store.leaf('gateway', GATEWAY);
    await store.leaf('services', { dnsNames: ['*.contoso.internal', 'contoso.internal'], ips: [] });
    const run = (...args: string[]): string => {
      try {
        return execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
      } catch (error) {
        return (error as { stderr: string }).stderr;
      }
    };
    const verify = (file: string): string =>
      run('verify', '-x509_strict', '-purpose', 'sslserver', '-CAfile', 'ca.pem', file);
    t.match(verify('gateway.pem'), /gateway.pem: OK/);
    t.match(verify('services.pem'), /services.pem: OK/);
    const text = run('x509', '-in', 'ca.pem', '-noout', '-text');
    t.match(text, /Version: 3/);
    t.match(text, /CA:TRUE, pathlen:1/);
    t.match(
      text,
      /X509v3 Name Constraints: critical\s+Permitted:\s+DNS:localhost\s+DNS:contoso.internal\s+IP:127.0.0.0\/255.0.0.0/,
    );

    const { issueLeaf } = await import('../../src/certs/issue.ts');
    const issuer = { certPem: store.ca.certPem, key: createPrivateKey(readFileSync(join(directory, 'ca-key.pem'))) };
    for (const request of OUTSIDE) {
      const issued = await issueLeaf({ now: Date.now(), random: systemRandom, request }, issuer);
      writeFileSync(join(directory, 'outside.pem'), issued.certPem);
      t.match(verify('outside.pem'), /permitted subtree violation/, [...request.dnsNames, ...request.ips].join(' '));
    }
  },
);

/** What OpenSSL says, be it good or bad. */
function openssl(directory: string, ...args: string[]): string {
  try {
    return execFileSync('openssl', args, { cwd: directory, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  } catch (error) {
    return (error as { stderr: string }).stderr;
  }
}
const skip = which('openssl') ? false : 'openssl is not installed';

/** What OpenSSL says of leaves that the CA's key signs for these names, inside the constraints or not. */
async function verdicts(directory: string, store: CertificateStore) {
  const { issueLeaf } = await import('../../src/certs/issue.ts');
  const issuer = { certPem: store.ca.certPem, key: createPrivateKey(readFileSync(join(directory, 'ca-key.pem'))) };
  const verdict = async (dns: string, ip: string): Promise<string> => {
    const request = { dnsNames: [dns], ips: [ip] };
    const issued = await issueLeaf({ now: Date.now(), random: systemRandom, request }, issuer);
    writeFileSync(join(directory, 'leaf.pem'), issued.certPem);
    const said = openssl(directory, 'verify', '-x509_strict', '-CAfile', 'ca.pem', 'leaf.pem');
    return /leaf\.pem: OK/.test(said) ? 'OK' : (/permitted subtree violation/.exec(said)?.[0] ?? said);
  };
  return {
    inside: await verdict('localhost', '127.0.0.1'),
    otherName: await verdict('login.microsoftonline.com', '127.0.0.1'),
    otherAddress: await verdict('localhost', '8.8.8.8'),
    text: openssl(directory, 'x509', '-in', 'ca.pem', '-noout', '-text'),
  };
}

const VIOLATION = 'permitted subtree violation';

t.test('constraints on DNS names only leave no address in the CA, and addresses free', { skip }, async (t) => {
  const directory = t.testdir();
  const store = await load({ directory, constraints: 'dns' });
  t.equal(store.ca.constraints, 'dns');
  const { text, ...said } = await verdicts(directory, store);
  t.strictSame(said, { inside: 'OK', otherName: VIOLATION, otherAddress: 'OK' });
  t.match(text, /X509v3 Name Constraints: critical\s+Permitted:\s+DNS:localhost\s+DNS:contoso\.internal\s/);
  t.notMatch(text, /IP:/);
  t.match(store.trustHelp(), /but not to any addresses/);
  await t.rejects(store.leaf('gateway', { dnsNames: ['example.com'], ips: [] }), {
    code: 'ERR_CERT_NAME_NOT_PERMITTED',
  });
});

t.test('a CA without constraints has no such extension, and its help says what that means', { skip }, async (t) => {
  const directory = t.testdir();
  const store = await load({ directory, constraints: 'off' });
  const { text, ...said } = await verdicts(directory, store);
  t.strictSame(said, { inside: 'OK', otherName: 'OK', otherAddress: 'OK' });
  t.notMatch(text, /Name Constraints/);
  t.match(store.trustHelp(), /no name\s+constraints: anyone with its key can impersonate any site/);
  t.equal((await load({ directory })).ca.fingerprint, store.ca.fingerprint, 'a later start reads it');
});

t.test(
  'the kind of constraints changes by a renewal of the CA, with the same key, and is told',
  { skip },
  async (t) => {
    const directory = t.testdir();
    const kinds: NameConstraints[] = ['full', 'dns', 'off', 'full', 'off', 'dns', 'full'];
    const first = await load({ directory, permitted: { dns: ['example.test'] }, constraints: 'full' });
    const leaf = await first.leaf('gateway', GATEWAY);
    for (const [i, constraints] of kinds.entries()) {
      const store = await load({ directory, constraints });
      t.equal(store.ca.constraints, constraints);
      t.equal((await store.leaf('gateway', GATEWAY)).fingerprint, leaf.fingerprint, 'the leaf goes on');
      const told = store.events.filter((event) => event.startsWith('certificate.authority.renewed'));
      t.equal(told.length, i === 0 ? 0 : 1);
      if (i > 0) t.match(told[0], `“${kinds[i - 1]}”, but the configuration requires “${constraints}”`);
      t.same((await load({ directory, constraints })).events, [], 'once');
    }
    const { text, ...said } = await verdicts(directory, await load({ directory }));
    t.strictSame(said, { inside: 'OK', otherName: VIOLATION, otherAddress: VIOLATION }, 'what was free is not kept');
    t.match(text, /IP:127\.0\.0\.0/);
  },
);

t.test('without a wish the CA keeps the constraints that it has', async (t) => {
  const directory = t.testdir();
  const before = await load({ directory, constraints: 'dns' });
  const after = await load({ directory });
  t.equal(after.ca.fingerprint, before.ca.fingerprint);
  t.equal(after.ca.constraints, 'dns');
  const renewed = await load({ directory, permitted: { dns: ['example.test'] } });
  t.not(renewed.ca.fingerprint, before.ca.fingerprint);
  t.equal(renewed.ca.constraints, 'dns', 'a renewal for another reason keeps them too');
});
