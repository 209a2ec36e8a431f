import { DAY_MS, LEAF_DAYS, LEAF_RENEW_DAYS } from '../certs/constants.ts';
import { type CertificateStore, type LeafRequest, loadCertificates } from '../certs/index.ts';
import type { CertificateFlaw } from '../config/fault-tls.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Offload } from '../lib/offload.ts';
import { systemRandom } from '../lib/random.ts';

/** The host name in a certificate for the wrong host. */
const OTHER_HOST = 'other.contoso.internal';

/** Lifetime in milliseconds before a certificate is reissued, as an operator would renew it. */
const GOOD_FOR_MS = (LEAF_DAYS - LEAF_RENEW_DAYS) * DAY_MS;

interface Pair {
  readonly cert: string;
  readonly key: string;
}

interface Made {
  readonly pair: Promise<Pair>;
  /** By the simulator's clock. */
  readonly at: number;
}

interface FlawedOptions {
  readonly certificates: Pick<CertificateStore, 'special' | 'renewed'>;
  /** Names of the gateway. */
  readonly request: LeafRequest;
  /** The simulator's. */
  readonly clock: Pick<Clock, 'now'>;
  readonly offload: Offload;
}

/**
 * Issues intentionally flawed certificates for the gateway: each on first use, and again when it would expire by a clock that was
 * moved. Each has exactly one flaw: otherwise it is valid by the machine's clock, which clients use, and by the simulator's.
 */
export function flawedCertificates(options: FlawedOptions): (flaw: CertificateFlaw) => Promise<Pair> {
  const { certificates, request, clock, offload } = options;
  const made = new Map<CertificateFlaw, Made>();
  /** Always of the same CA: a client that trusts one of them accepts the next. */
  let strangers: Promise<CertificateStore> | undefined;
  const issue = async (from: Pick<CertificateStore, 'renewed'>, names: LeafRequest): Promise<Pair> => {
    const leaf = await from.renewed('gateway', names, systemClock.now(), Number.NEGATIVE_INFINITY);
    return { cert: leaf!.certPem, key: leaf!.keyPem };
  };
  const make = async (flaw: CertificateFlaw): Promise<Pair> => {
    switch (flaw) {
      case 'untrusted':
        strangers ??= strangersOf(clock);
        return issue(await strangers, request);
      case 'wrong_name':
        return issue(certificates, { dnsNames: [OTHER_HOST], ips: [] });
      case 'expired': {
        const { certPem, keyPem } = await certificates.special('expired', request);
        return { cert: certPem, key: keyPem };
      }
    }
  };
  return (flaw) => {
    const at = clock.now();
    const known = made.get(flaw);
    if (known !== undefined && at - known.at < GOOD_FOR_MS) return known.pair;
    const fresh: Made = { at, pair: offload.run(() => make(flaw)) };
    made.set(flaw, fresh);
    // After a failure, it is tried again.
    fresh.pair.catch(() => {
      if (made.get(flaw) === fresh) made.delete(flaw);
    });
    return fresh.pair;
  };
}

/** A CA that no client trusts, like that of a TLS-inspecting proxy. It is dated by the machine's clock, which clients use. */
async function strangersOf(clock: Pick<Clock, 'now'>): Promise<CertificateStore> {
  let now = systemClock.now;
  const store = await loadCertificates({
    directory: undefined,
    clock: { ...systemClock, now: () => now() },
    random: systemRandom,
    emit: () => undefined,
    constraints: 'off',
  });
  now = () => Math.max(clock.now(), systemClock.now());
  return store;
}
