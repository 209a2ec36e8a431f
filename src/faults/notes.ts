import { isDeepStrictEqual } from 'node:util';
import type { FaultRule } from '../config/fault-schema.ts';
import type { Rule } from './rule.ts';

/** What of the configuration keeps rules from ever striking. */
export interface Surroundings {
  readonly udpDisabled?: boolean;
}

/** Rules that are looked at for being in the way. */
const MAX_LOOKED_AT = 100;

/** Why a rule may never strike, in words. */
export function notesOn(
  rule: FaultRule,
  earlier: Iterable<Rule>,
  { udpDisabled = false }: Surroundings = {},
): string[] {
  const notes: string[] = [];
  if (udpDisabled && rule.on.seam === 'udp') {
    notes.push('UDP is turned off (gateway.disableUdp), so no datagram passes.');
  }
  let looked = 0;
  for (const other of earlier) {
    if (++looked > MAX_LOOKED_AT) break;
    if (other.rule.when !== undefined || !isWider(other.rule.on, rule.on) || other.rule.then.do === 'mtu_blackhole')
      continue;
    notes.push(`The rule ${other.name} was added before, and acts on everything that this one selects.`);
    break;
  }
  return notes;
}

/** Whether all that `narrow` selects is selected by `wide`: each member that it has is there in the same words. */
function isWider(wide: FaultRule['on'], narrow: FaultRule['on']): boolean {
  return Object.entries(wide).every(([key, value]) => isDeepStrictEqual(value, narrow[key as keyof FaultRule['on']]));
}
