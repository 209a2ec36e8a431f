import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { parseChain, parsePem, verifyChain } from '../../../src/dtls/handshake/certificate-verification.ts';
import { type MadeCertificate, makeCertificate } from '../../support/dtls-certificates.ts';

const NOW = Date.now();
const DAY = 86_400_000;

/** A root, an intermediate below it and a leaf below that. */
async function family(intermediateIsCa: boolean) {
  const root = await makeCertificate({ name: 'CN=Root', ca: true });
  const middle = await makeCertificate({ name: 'CN=Middle', ca: intermediateIsCa, issuer: root });
  const leaf = await makeCertificate({ name: 'CN=leaf', ca: false, issuer: middle });
  return { root, middle, leaf };
}

const parsed = (...made: readonly MadeCertificate[]): X509Certificate[] =>
  made.map(({ pem }) => new X509Certificate(pem));

t.test('an issuer that is no CA vouches for nobody, though its signature is right', async (t) => {
  for (const ca of [true, false]) {
    const { root, middle, leaf } = await family(ca);
    const failure = verifyChain(parsed(leaf, middle), { ca: root.pem, servername: undefined, now: NOW });
    t.equal(failure?.alert, ca ? undefined : 'unknown_ca', ca ? 'a CA' : 'no CA');
  }
});

t.test('each certificate of a path has to be valid now', async (t) => {
  const root = await makeCertificate({ name: 'CN=Root', ca: true });
  const times = { from: NOW - DAY, to: NOW + DAY };
  for (const [name, middleTimes, leafTimes, alert] of [
    ['all are', times, times, undefined],
    ['the leaf not yet', times, { from: NOW + 1000, to: NOW + DAY }, 'certificate_expired'],
    ['the leaf no more', times, { from: NOW - DAY, to: NOW - 2000 }, 'certificate_expired'],
    ['the intermediate not yet', { from: NOW + 1000, to: NOW + DAY }, times, 'certificate_expired'],
    ['the intermediate no more', { from: NOW - DAY, to: NOW - 2000 }, times, 'certificate_expired'],
  ] as const) {
    const middle = await makeCertificate({ name: 'CN=Middle', ca: true, issuer: root, ...middleTimes });
    const leaf = await makeCertificate({ name: 'CN=leaf', ca: false, issuer: middle, ...leafTimes });
    const failure = verifyChain(parsed(leaf, middle), { ca: root.pem, servername: undefined, now: NOW });
    t.equal(failure?.alert, alert, name);
    if (failure) t.match(failure.explanation, name.startsWith('the leaf') ? /CN=leaf is valid/ : /CN=Middle is valid/);
  }
});

t.test('a path leads to a trusted certificate: by name and by signature', async (t) => {
  const { root, middle, leaf } = await family(true);
  const namesake = await makeCertificate({ name: 'CN=Root', ca: true });
  const verdict = (chain: X509Certificate[], ca: string | string[]) =>
    verifyChain(chain, { ca, servername: undefined, now: NOW })?.alert;
  t.equal(verdict(parsed(leaf, middle), [namesake.pem, root.pem]), undefined);
  t.equal(verdict(parsed(leaf, middle), namesake.pem), 'unknown_ca', 'another of the same name');
  t.equal(verdict(parsed(leaf), root.pem), 'unknown_ca', 'the intermediate was not sent');
  t.equal(verdict(parsed(leaf), [root.pem, middle.pem]), undefined, 'the intermediate is known');
  t.equal(verdict(parsed(leaf), leaf.pem), undefined, 'the certificate itself is trusted');
  t.equal(
    verdict(parsed(leaf, middle, root), namesake.pem),
    'unknown_ca',
    'a root that is sent is not trusted for that',
  );
  t.equal(verdict([], root.pem), 'bad_certificate');
});

t.test('a path of many intermediates is followed to a depth of eight certificates', async (t) => {
  for (const [between, alert] of [
    [6, undefined],
    [7, 'unknown_ca'],
  ] as const) {
    const root = await makeCertificate({ name: 'CN=Root', ca: true });
    const chain = [root];
    for (let i = 0; i < between; i++) {
      chain.unshift(await makeCertificate({ name: `CN=CA ${i}`, ca: true, issuer: chain[0]! }));
    }
    chain.unshift(await makeCertificate({ name: 'CN=leaf', ca: false, issuer: chain[0]! }));
    const failure = verifyChain(parsed(...chain), { ca: root.pem, servername: undefined, now: NOW });
    t.equal(failure?.alert, alert, `${between} between leaf and root`);
  }
});

t.test('a file of several certificates is read whole, and bytes that are none are refused', async (t) => {
  const { root, middle } = await family(true);
  t.equal(parsePem(`text\n${root.pem}\n${middle.pem}`).length, 2);
  t.equal(parsePem('').length, 0);
  t.equal(parseChain([new X509Certificate(root.pem).raw])?.length, 1);
  t.equal(parseChain([new X509Certificate(root.pem).raw, Buffer.from('x')]), undefined);
});

t.test('a certificate without alternative names is told by its subject', async (t) => {
  const root = await makeCertificate({ name: 'CN=Root', ca: true });
  const leaf = await makeCertificate({ name: 'CN=leaf.test', ca: false, issuer: root });
  const failure = verifyChain(parsed(leaf), { ca: root.pem, servername: 'other.test', now: NOW });
  t.match(failure, {
    alert: 'bad_certificate',
    explanation: 'The certificate is not for other.test but for CN=leaf.test.',
  });
});
