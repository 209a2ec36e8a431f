import type { Path, Problem } from '../lib/schema/index.ts';
import type { FaultRule } from './fault-schema.ts';
import { HANDSHAKE_ACTIONS } from './fault-tls.ts';

const MAX_DATAGRAM = 65_535;

/** Problems of a rule about datagrams, connections and handshakes, beyond those in the tables. */
export function transportProblems(rule: FaultRule, at: Path): Problem[] {
  return [...rejectProblems(rule, at), ...handshakeProblems(rule, at), ...figureProblems(rule, [...at, 'then'])];
}

/** The system either answers for a port or does not: it has neither sessions nor randomness. */
function rejectProblems({ on, when = {}, then }: FaultRule, at: Path): Problem[] {
  if (then.do !== 'reject' || on.seam !== 'udp') return [];
  const hint = 'Use drop, which can select, or reject without a selection.';
  const problem = (member: 'on' | 'when', key: string): Problem => ({
    path: [...at, member, key],
    atKey: true,
    message: `reject closes the UDP port for all clients and datagrams: it cannot select by ${key}`,
    hint,
  });
  return [
    ...Object.keys(on).flatMap((key) => (key === 'seam' ? [] : [problem('on', key)])),
    ...Object.keys(when).map((key) => problem('when', key)),
  ];
}

function handshakeProblems({ on, then }: FaultRule, at: Path): Problem[] {
  if (!HANDSHAKE_ACTIONS.includes(then.do)) return [];
  return (['session', 'user'] as const)
    .filter((key) => on[key] !== undefined)
    .map((key) => ({
      path: [...at, 'on', key],
      atKey: true,
      message: `before the handshake the ${key} is unknown, so the rule could never match`,
      hint: 'Select by remote.',
    }));
}

function figureProblems({ then }: FaultRule, at: Path): Problem[] {
  const { average_size: average, size_variation: variation, bytes } = then;
  if (then.do === 'slicer' && average !== undefined && variation !== undefined && variation >= average) {
    return [
      {
        path: [...at, 'size_variation'],
        message: 'a slice could have no bytes',
        expected: `fewer than average_size, which is ${average}`,
      },
    ];
  }
  if (then.do === 'mtu_blackhole' && bytes !== undefined && bytes >= MAX_DATAGRAM) {
    return [{ path: [...at, 'bytes'], message: 'no datagram is larger, so the rule would never strike' }];
  }
  return [];
}
