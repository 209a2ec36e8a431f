import type { Path, Problem } from '../lib/schema/index.ts';
import type { FaultRule } from './fault-schema.ts';

const MAX_DATAGRAM = 65_535;

/** What of a rule about datagrams and connections cannot be, beyond what the tables say. */
export function transportProblems(rule: FaultRule, at: Path): Problem[] {
  return figureProblems(rule, [...at, 'then']);
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
    return [{ path: [...at, 'bytes'], message: 'no datagram has more bytes, so the rule would never strike' }];
  }
  return [];
}
