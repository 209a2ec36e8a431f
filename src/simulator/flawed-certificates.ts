import { type CertificateStore, type LeafRequest, loadCertificates } from '../certs/index.ts';
import type { CertificateFlaw } from '../config/fault-tls.ts';
import { systemClock } from '../lib/clock.ts';
import type { Offload } from '../lib/offload.ts';
import { systemRandom } from '../lib/random.ts';

/** Whose name is in a certificate for another host. */
const OTHER_HOST = 'other.contoso.internal';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates for the gateway that are wrong on purpose: each once, when it is first asked for. */
export function flawedCertificates(
  certificates: Pick<CertificateStore, 'special'>,
  request: LeafRequest,
  offload: Offload,
): (flaw: CertificateFlaw) => Promise<Pair> {
  const made = new Map<CertificateFlaw, Promise<Pair>>();
  const make = async (flaw: CertificateFlaw): Promise<Pair> => {
    switch (flaw) {
      case 'untrusted': {
        const { certPem, keyPem } = await (await strangers()).leaf('gateway', request);
        return { cert: certPem, key: keyPem };
      }
      case 'expired':
      case 'wrong_name': {
        const kind = flaw === 'expired' ? 'expired' : 'intermediate';
        const names = flaw === 'expired' ? request : { dnsNames: [OTHER_HOST], ips: [] };
        const { certPem, keyPem } = await certificates.special(kind, names);
        return { cert: certPem, key: keyPem };
      }
    }
  };
  return (flaw) => {
    let pair = made.get(flaw);
    if (!pair) {
      made.set(flaw, (pair = offload.run(() => make(flaw))));
      // One that failed is tried again.
      pair.catch(() => made.delete(flaw));
    }
    return pair;
  };
}

/** A CA that no client knows, as that of a proxy that breaks up TLS. Dated by the machine's clock, as clients judge it. */
const strangers = (): Promise<CertificateStore> =>
  loadCertificates({
    directory: undefined,
    clock: systemClock,
    random: systemRandom,
    emit: () => undefined,
    constraints: 'off',
  });
