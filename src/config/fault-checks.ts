import { parseDuration } from '../lib/duration.ts';
import { addressBytes } from '../lib/ip-address.ts';
import { parseRange } from '../lib/ip-range.ts';
import { type Path, type Problem, suggest } from '../lib/schema/index.ts';
import {
  ACTION_KINDS,
  ACTIONS,
  type ActionName,
  actionSpec,
  INNER_KINDS,
  KINDS,
  NAMED_KINDS,
  type SeamName,
  STREAM_KINDS,
} from './fault-actions.ts';
import type { FaultRule } from './fault-schema.ts';
import { transportProblems } from './fault-transport-checks.ts';

const listed = (words: readonly string[]): string => words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** What of a rule's members cannot go together, or could never match, in words and with the member's place. */
export function faultProblems(rule: FaultRule, at: Path = []): Problem[] {
  return [
    ...selectorProblems(rule, [...at, 'on']),
    ...occurrenceProblems(rule, [...at, 'when']),
    ...actionProblems(rule, [...at, 'then']),
    ...transportProblems(rule, at),
  ];
}

function selectorProblems({ on, then }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  const kinds = list(on.kind);
  for (const kind of kinds) {
    if (KINDS[on.seam].includes(kind)) continue;
    const meant = suggest(kind, KINDS[on.seam]);
    problems.push({
      path: [...at, 'kind'],
      message: `nothing of the kind "${kind}" passes at the seam ${on.seam}, so the rule could never match`,
      expected: listed(KINDS[on.seam]),
      ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
    });
  }
  if (
    on.seam === 'udp' &&
    kinds.some((kind) => INNER_KINDS.includes(kind)) &&
    !kinds.every((kind) => INNER_KINDS.includes(kind))
  ) {
    problems.push({
      path: [...at, 'kind'],
      message: 'kinds that show before and after decryption are in one rule',
      hint: `Make two rules: ${listed(INNER_KINDS)} are what is in records of the kind "application".`,
    });
  }
  for (const remote of list(on.remote)) {
    if (parseRange(remote) || isEndpoint(remote)) continue;
    problems.push({
      path: [...at, 'remote'],
      message: `"${remote}" is no address, so the rule could never match`,
      expected: 'an IP address, address:port, or a network in CIDR form',
    });
  }
  problems.push(...membersOfNoUse(on, at));
  const { length } = on;
  if (typeof length === 'object' && (length.min ?? 0) > (length.max ?? Infinity)) {
    problems.push({ path: [...at, 'length'], message: 'min is above max, so the rule could never match' });
  }
  if (then.do === 'mtu_blackhole' && length !== undefined) {
    problems.push({
      path: [...at, 'length'],
      message: 'mtu_blackhole selects by length itself',
      hint: 'Set then.bytes alone.',
    });
  }
  return problems;
}

/** `192.0.2.7:5000` or `[2001:db8::7]:5000`. */
function isEndpoint(text: string): boolean {
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/.exec(text) ?? [];
  const address = bracketed ?? plain;
  if (address === undefined || addressBytes(address) === undefined) return false;
  return address.includes(':') === (bracketed !== undefined) && Number(port) >= 1 && Number(port) <= 65_535;
}

/** Members that nothing at the seam has, so that no rule with them could match. */
function membersOfNoUse(on: FaultRule['on'], at: Path): Problem[] {
  const have: Readonly<Record<SeamName, readonly string[]>> = {
    udp: ['direction', 'kind', 'session', 'user', 'remote', 'length'],
    tcp: ['direction', 'kind', 'session', 'user', 'remote'],
    decision: ['kind', 'session', 'user', 'remote', 'name', 'port'],
    http: ['kind'],
  };
  const problems = Object.keys(on)
    .filter((key) => key !== 'seam' && !have[on.seam].includes(key))
    .map(
      (key): Problem => ({
        path: [...at, key],
        atKey: true,
        message: `what passes at the seam ${on.seam} has no ${key}, so the rule could never match`,
        expected: listed(have[on.seam]),
      }),
    );
  if (on.seam === 'decision') {
    const kinds = list(on.kind);
    for (const key of ['name', 'port'] as const) {
      if (on[key] === undefined || kinds.length === 0 || kinds.some((kind) => NAMED_KINDS.includes(kind))) continue;
      problems.push({
        path: [...at, key],
        message: `only ${listed(NAMED_KINDS)} have a ${key}, so the rule could never match`,
      });
    }
  }
  return problems;
}

function occurrenceProblems({ when = {} }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (when.chance === 0) {
    problems.push({ path: [...at, 'chance'], message: 'with a chance of 0 the rule would never strike' });
  }
  if (when.chance !== undefined && when.burst !== undefined) {
    problems.push({
      path: [...at, 'burst'],
      message: 'chance and burst are two ways to say how often',
      hint: 'Keep one.',
    });
  }
  for (const key of ['after', 'during'] as const) {
    const value = when[key];
    if (value === undefined) continue;
    try {
      if (parseDuration(value) === 0 && key === 'during') {
        problems.push({ path: [...at, key], message: 'no time at all, so the rule would never strike' });
      }
    } catch (error) {
      problems.push({ path: [...at, key], message: (error as Error).message.replace(/\.$/, '') });
    }
  }
  return problems;
}

/** The decisions that an action can be done to. */
const kindsOf = (action: ActionName): readonly string[] => ACTION_KINDS[action] ?? STREAM_KINDS;

function actionProblems({ on, then }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  const { needs, may, seams } = actionSpec(then.do);
  if (!seams.includes(on.seam)) {
    const here = (Object.keys(ACTIONS) as ActionName[]).filter((name) => actionSpec(name).seams.includes(on.seam));
    problems.push({
      path: [...at, 'do'],
      message: `${then.do} cannot be done at the seam ${on.seam}`,
      expected: listed(here),
    });
    return problems;
  }
  const wrong = on.seam === 'decision' ? list(on.kind).filter((kind) => !kindsOf(then.do).includes(kind)) : [];
  if (wrong.length > 0) {
    problems.push({
      path: [...at, 'do'],
      message: `${then.do} cannot be done at ${listed(wrong)}`,
      expected: `one of the kinds ${listed(kindsOf(then.do))}`,
    });
  }
  for (const key of needs) {
    if (!Object.hasOwn(then, key)) problems.push({ path: at, message: `${then.do} needs "${key}"`, missing: key });
  }
  const known = [...needs, ...may];
  for (const key of Object.keys(then)) {
    if (key === 'do' || known.includes(key)) continue;
    problems.push({
      path: [...at, key],
      atKey: true,
      message: `${then.do} takes no "${key}"`,
      expected: known.length === 0 ? 'nothing beside "do"' : listed(known),
    });
  }
  return problems;
}
