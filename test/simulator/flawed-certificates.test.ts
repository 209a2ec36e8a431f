import { X509Certificate } from 'node:crypto';
import t from 'tap';
import { loadCertificates } from '../../src/certs/index.ts';
import { type Clock, ManualClock, systemClock } from '../../src/lib/clock.ts';
import { directly } from '../../src/lib/offload.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { flawedCertificates } from '../../src/simulator/flawed-certificates.ts';

const DAY_MS = 86_400_000;

async function setup(clock = new ManualClock(Date.now()), ofStore: Clock = clock) {
  const certificates = await loadCertificates({
    directory: undefined,
    clock: ofStore,
    random: systemRandom,
    emit: () => undefined,
  });
  const request = { dnsNames: ['localhost'], ips: ['127.0.0.1'] };
  const flawed = flawedCertificates({ certificates, request, clock, offload: directly });
  const shown = async (flaw: 'untrusted' | 'expired' | 'wrong_name') => new X509Certificate((await flawed(flaw)).cert);
  return { clock, certificates, shown };
}

const goodAt = (certificate: X509Certificate, time: number): boolean =>
  Date.parse(certificate.validFrom) <= time && time <= Date.parse(certificate.validTo);

t.test(
  'a certificate is wrong in one way, whichever clock it is judged by, however far the clock was moved',
  async (t) => {
    for (const days of [0, 400]) {
      const { clock, certificates, shown } = await setup();
      clock.advance(days * DAY_MS);
      const ca = new X509Certificate(certificates.ca.certPem);
      const [untrusted, expired, other] = [await shown('untrusted'), await shown('expired'), await shown('wrong_name')];
      for (const now of [Date.now(), clock.now()]) {
        t.ok(goodAt(untrusted, now), `untrusted, after ${days} days`);
        t.ok(goodAt(other, now), `wrong_name, after ${days} days`);
        t.ok(Date.parse(expired.validTo) < now, `expired, after ${days} days`);
      }
      t.notOk(untrusted.verify(ca.publicKey));
      t.ok(untrusted.checkHost('localhost'));
      t.ok(expired.verify(ca.publicKey) && other.verify(ca.publicKey));
      t.notOk(other.checkHost('localhost'));
    }
  },
);

t.test('one that runs out by a clock that was moved is renewed, others stay the same', async (t) => {
  const { clock, shown } = await setup();
  const before = [await shown('untrusted'), await shown('wrong_name')];
  clock.advance(300 * DAY_MS);
  t.equal((await shown('untrusted')).fingerprint256, before[0]!.fingerprint256);
  clock.advance(100 * DAY_MS);
  const after = [await shown('untrusted'), await shown('wrong_name')];
  for (const [i, certificate] of after.entries()) {
    t.notOk(goodAt(before[i]!, clock.now()));
    t.ok(goodAt(certificate, clock.now()) && goodAt(certificate, Date.now()));
    t.equal((await shown(i === 0 ? 'untrusted' : 'wrong_name')).fingerprint256, certificate.fingerprint256);
  }
  t.equal(after[0]!.issuer, before[0]!.issuer, 'of the same strangers');
  clock.advance(400 * DAY_MS);
  t.ok(goodAt(await shown('untrusted'), clock.now()));
});

t.test('in a world of another year, clients judge by the machine', async (t) => {
  const { shown } = await setup(new ManualClock(Date.UTC(2001, 0, 1)), systemClock);
  t.ok(goodAt(await shown('untrusted'), Date.now()));
});
