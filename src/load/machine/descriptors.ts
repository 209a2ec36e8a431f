import { descriptorLimit } from '../../lib/descriptor-limit.ts';
import { TunneliteError } from '../../lib/errors.ts';
import type { LoadPlan, PhaseKind } from '../plan/types.ts';

/** Ours: descriptors that a process needs besides those of its clients. */
const OTHERS = 64;

/** In these phases all clients, not just a few, leave a port: each keeps it open while it tries another. */
const NEEDS_TWO_PORTS: ReadonlySet<PhaseKind> = new Set(['udp blackout', 'roam', 'node loss', 'thundering reconnect']);

/**
 * Each client needs a descriptor for its connection and one or two for its datagrams. Reports a shortage before the start, not at the
 * thousandth client.
 * @param clients of this process
 * @throws TunneliteError `ERR_LOAD_DESCRIPTORS`
 */
export function checkDescriptors(
  { client, phases }: LoadPlan,
  clients: number,
  limit: number | undefined = descriptorLimit(),
): void {
  const each = client?.dtls === 'off' ? 1 : phases.some(({ phase }) => NEEDS_TWO_PORTS.has(phase)) ? 3 : 2;
  const needed = clients * each + OTHERS;
  if (limit === undefined || needed <= limit) return;
  const most = Math.max(0, Math.floor((limit - OTHERS) / each));
  const message = `${clients} clients need ${needed} file descriptors, and this process may have ${limit}: enough for ${most} clients.`;
  throw new TunneliteError('ERR_LOAD_DESCRIPTORS', message, {
    hint: `Raise the limit in the shell that starts it (ulimit -n ${needed}; if the hard limit is lower, as root or in /etc/security/limits.conf), or use fewer clients.`,
  });
}
