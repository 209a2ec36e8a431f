import { isDeepStrictEqual } from 'node:util';
import type { FaultRule } from '../config/fault-schema.ts';
import type { Rule } from './rule.ts';

/** Parts of the configuration that keep rules from ever striking. */
export interface Surroundings {
  readonly udpDisabled?: boolean;
  /** Points never cause a ban. */
  readonly bansDisabled?: boolean;
  /** There is no built-in Entra ID. */
  readonly noProvider?: boolean;
  /** AADSTS numbers that the built-in Entra ID has an error document for. */
  readonly aadstsCodes?: readonly number[];
}

/** Most rules checked for blocking a new one. */
const MAX_LOOKED_AT = 100;

/** Readable reasons why a rule may never strike. */
export function notesOn(
  rule: FaultRule,
  earlier: Iterable<Rule>,
  { udpDisabled = false, bansDisabled = false, noProvider = false }: Surroundings = {},
): string[] {
  const notes: string[] = [];
  if (udpDisabled && rule.on.seam === 'udp') {
    notes.push('UDP is turned off (gateway.disableUdp), so no datagram passes.');
  }
  if (bansDisabled && rule.then.do === 'ban' && rule.then.points !== undefined) {
    notes.push('Points never cause a ban (gateway.bans.maxScore is 0). To ban at once, omit points.');
  }
  if (noProvider && rule.on.seam === 'http') {
    notes.push('The built-in Entra ID is not started (identity.authority), so it gets no requests.');
  }
  let looked = 0;
  for (const other of earlier) {
    if (++looked > MAX_LOOKED_AT) break;
    if (other.rule.when !== undefined || !isWider(other.on, rule.on) || other.rule.then.do === 'mtu_blackhole')
      continue;
    notes.push(`The rule ${other.name} was added before, and strikes everything that this one selects.`);
    break;
  }
  return notes;
}

/** Whether `wide` selects everything that `narrow` selects: `narrow` has each of its members with an equal value. */
function isWider(wide: FaultRule['on'], narrow: FaultRule['on']): boolean {
  return Object.entries(wide).every(([key, value]) => isDeepStrictEqual(value, narrow[key as keyof FaultRule['on']]));
}
