import { DAY_MS, LEAF_RENEW_DAYS } from '../certs/constants.ts';
import type { CertificateStore } from '../certs/index.ts';
import type { ClockFollower, SimulatorClock } from '../lib/simulator-clock.ts';
import type { Emit } from '../telemetry/events.ts';
import type { ServerTls } from './names.ts';

interface LeafRenewalOptions {
  readonly certificates: CertificateStore;
  readonly clock: SimulatorClock;
  readonly emit: Emit;
}

type Use = (tls: Pick<ServerTls, 'cert' | 'key'>) => void;

interface Watched {
  readonly first: ServerTls;
  readonly leaf: NonNullable<ServerTls['leaf']>;
  readonly use: Use;
  /** Of the certificate in use. */
  notAfter: number;
}

/**
 * Renews server certificates that expire by a clock that was moved, as an operator would in that time. The new ones are also valid by the
 * machine's clock, because clients use their own clock; they are kept in memory, and a reset restores the first ones.
 */
export class LeafRenewal implements ClockFollower {
  readonly #options: LeafRenewalOptions;
  readonly #watched: Watched[] = [];

  constructor(options: LeafRenewalOptions) {
    this.#options = options;
  }

  /** @param use switches the server to another certificate */
  watch(first: ServerTls, use: Use): void {
    const { leaf } = first;
    if (leaf) this.#watched.push({ first, leaf, use, notAfter: leaf.notAfter });
  }

  async settle(): Promise<void> {
    // One after the other, so that events always have the same order.
    for (const one of this.#watched) await this.#renew(one);
  }

  /** Restores the certificates of the start. */
  reset(): void {
    for (const one of this.#watched) {
      if (one.notAfter === one.leaf.notAfter) continue;
      one.notAfter = one.leaf.notAfter;
      one.use(one.first);
    }
  }

  async #renew(one: Watched): Promise<void> {
    const { certificates, clock, emit } = this.#options;
    const { name, request } = one.leaf;
    if (one.notAfter - clock.now() >= LEAF_RENEW_DAYS * DAY_MS) return;
    const renewed = await certificates.renewed(name, request, clock.machine.now(), one.notAfter);
    // The clock may have been set back meanwhile.
    if (!renewed || one.notAfter - clock.now() >= LEAF_RENEW_DAYS * DAY_MS) return;
    one.notAfter = renewed.notAfter;
    one.use({ cert: renewed.certPem, key: renewed.keyPem });
    emit('certificate.renewed', {
      certificate: name,
      path: 'memory',
      reason: 'it is about to expire by the simulator’s clock, which was moved',
    });
  }
}
