import { parseDuration } from '../lib/duration.ts';
import { addressBytes } from '../lib/ip-address.ts';
import { parseRange } from '../lib/ip-range.ts';
import { type Path, type Problem, suggest } from '../lib/schema/index.ts';
import {
  ACTIONS,
  type ActionName,
  ADDRESS_KINDS,
  actionSpec,
  CLAIMED_KINDS,
  INNER_KINDS,
  KINDS,
  kindsFor,
  NAMED_KINDS,
  type SeamName,
  unnamedKinds,
} from './fault-actions.ts';
import { claimsProblem, FLAG_WORDS } from './fault-members.ts';
import type { FaultRule } from './fault-schema.ts';
import { transportProblems } from './fault-transport-checks.ts';

const listed = (words: readonly string[]): string => words.join(', ').replace(/, (?=[^,]*$)/, ' or ');
const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value as T];

/** Members of a rule that contradict each other or can never match, in words and with the member's location. */
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
      message: `the seam ${on.seam} has no items of the kind "${kind}", so the rule could never match`,
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
      message: 'the rule combines kinds from before and after decryption',
      hint: `Make two rules: ${listed(INNER_KINDS)} are the contents of records of the kind "application".`,
    });
  }
  for (const remote of list(on.remote)) {
    if (parseRange(remote) || isEndpoint(remote)) continue;
    problems.push({
      path: [...at, 'remote'],
      message: `"${remote}" is not an address, so the rule could never match`,
      expected: 'an IP address, address:port, or a network in CIDR form',
    });
  }
  for (const address of list(on.address)) {
    if (parseRange(address) || addressBytes(address) !== undefined) continue;
    problems.push({
      path: [...at, 'address'],
      message: `"${address}" is not an address, so the rule could never match`,
      expected: 'an IP address, or a network in CIDR form',
    });
  }
  problems.push(...flagProblems(on, at), ...membersOfNoUse(on, then.do, at));
  const claims = on.claims === undefined ? undefined : claimsProblem(on.claims);
  if (claims !== undefined) problems.push({ path: [...at, 'claims'], message: claims });
  const { length } = on;
  if (typeof length === 'object' && (length.min ?? 0) > (length.max ?? Infinity)) {
    problems.push({ path: [...at, 'length'], message: 'min is above max, so the rule could never match' });
  }
  if (then.do === 'mtu_blackhole' && length !== undefined) {
    problems.push({
      path: [...at, 'length'],
      message: 'mtu_blackhole itself selects by length',
      hint: 'Set only then.bytes.',
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

function flagProblems({ flags, kind }: FaultRule['on'], at: Path): Problem[] {
  const path = [...at, 'flags'];
  const problems: Problem[] = [];
  const wanted = list(flags);
  for (const flag of wanted) {
    if (FLAG_WORDS.includes(flag)) continue;
    const meant = suggest(flag, FLAG_WORDS);
    problems.push({
      path,
      message: `TCP has no flag "${flag}", so the rule could never match`,
      expected: listed(FLAG_WORDS),
      ...(meant === undefined ? {} : { hint: `Did you mean "${meant}"?` }),
    });
  }
  const both = wanted.find((flag) => wanted.includes(`!${flag}`));
  if (both !== undefined) {
    problems.push({ path, message: `${both} must be both set and not set, so the rule could never match` });
  }
  const kinds = list(kind);
  if (wanted.length > 0 && kinds.length > 0 && !kinds.includes('tcp')) {
    problems.push({ path, message: 'only packets of the kind tcp have flags, so the rule could never match' });
  }
  return problems;
}

const HAVE: Readonly<Record<SeamName, readonly string[]>> = {
  udp: ['direction', 'kind', 'session', 'user', 'remote', 'length'],
  tcp: ['direction', 'kind', 'session', 'user', 'remote'],
  packet: ['direction', 'kind', 'session', 'user', 'address', 'port', 'flags', 'length'],
  decision: ['kind', 'session', 'user', 'remote', 'name', 'port', 'claims'],
  dns: ['kind', 'session', 'user', 'name'],
  http: ['kind'],
};

/** Members that only some decisions have. */
const OF_DECISIONS: Readonly<Record<string, readonly string[]>> = {
  name: NAMED_KINDS,
  port: NAMED_KINDS,
  claims: CLAIMED_KINDS,
};

/** Members that nothing at the seam has, so that no rule with them could match. */
function membersOfNoUse(on: FaultRule['on'], action: ActionName, at: Path): Problem[] {
  const have = HAVE[on.seam];
  const problems = Object.keys(on)
    .filter((key) => key !== 'seam' && !have.includes(key))
    .map(
      (key): Problem => ({
        path: [...at, key],
        atKey: true,
        message: `items at the seam ${on.seam} have no ${key}, so the rule could never match`,
        expected: listed(have),
      }),
    );
  const kinds = on.kind === undefined ? (unnamedKinds(action, on.seam) ?? []) : list(on.kind);
  if (on.seam === 'decision') {
    for (const [key, having] of Object.entries(OF_DECISIONS)) {
      if (!Object.hasOwn(on, key) || kinds.length === 0 || kinds.some((kind) => having.includes(kind))) continue;
      problems.push({
        path: [...at, key],
        message: `only ${listed(having)} ${having.length > 1 ? 'have' : 'has'} a ${key}, so the rule could never match`,
        ...(on.kind === undefined ? { hint: `Add kind: ${having[0]}.` } : {}),
      });
    }
  }
  if (
    on.seam === 'packet' &&
    on.port !== undefined &&
    kinds.length > 0 &&
    !kinds.some((kind) => PORTED.includes(kind))
  ) {
    problems.push({
      path: [...at, 'port'],
      message: `only ${listed(PORTED)} have a port, so the rule could never match`,
    });
  }
  return problems;
}

const PORTED: readonly string[] = ['tcp', 'udp'];

function occurrenceProblems({ when = {} }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (when.chance === 0) {
    problems.push({ path: [...at, 'chance'], message: 'with a chance of 0 the rule would never strike' });
  }
  if (when.chance !== undefined && when.burst !== undefined) {
    problems.push({
      path: [...at, 'burst'],
      message: 'chance and burst exclude each other',
      hint: 'Remove one of them.',
    });
  }
  for (const key of ['after', 'during'] as const) {
    const value = when[key];
    if (value === undefined) continue;
    try {
      if (parseDuration(value) === 0 && key === 'during') {
        problems.push({ path: [...at, key], message: 'the duration is zero, so the rule would never strike' });
      }
    } catch (error) {
      problems.push({ path: [...at, key], message: (error as Error).message.replace(/\.$/, '') });
    }
  }
  return problems;
}

function actionProblems({ on, then }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  const { needs, may, seams } = actionSpec(then.do);
  if (!seams.includes(on.seam)) {
    const here = (Object.keys(ACTIONS) as ActionName[]).filter((name) => actionSpec(name).seams.includes(on.seam));
    problems.push({
      path: [...at, 'do'],
      message: `${then.do} is not possible at the seam ${on.seam}`,
      expected: listed(here),
    });
    return problems;
  }
  const possible = then.do === 'wrong_address' ? ADDRESS_KINDS : kindsFor(then.do, on.seam);
  const wrong = list(on.kind).filter((kind) => KINDS[on.seam].includes(kind) && !possible.includes(kind));
  if (wrong.length > 0) {
    problems.push({
      path: [...at, 'do'],
      message: `${then.do} is not possible at ${listed(wrong)}`,
      expected: `one of the kinds ${listed(possible)}`,
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
      message: `${then.do} has no "${key}"`,
      expected: known.length === 0 ? 'only "do"' : listed(known),
    });
  }
  problems.push(...memberProblems({ on, then }, at));
  return problems;
}

/** Members of an action that have no meaning at the rule's seam or kinds, or none at all. */
function memberProblems({ on, then }: FaultRule, at: Path): Problem[] {
  const problems: Problem[] = [];
  if (then.icmp !== undefined && on.seam !== 'packet') {
    problems.push({
      path: [...at, 'icmp'],
      message: 'only the sender of a packet in the tunnel can get an ICMP error (seam packet)',
    });
  }
  const onlyResources = on.kind !== undefined && list(on.kind).every((kind) => kind === 'resource');
  if (then.do === 'reset' && then.bytes !== undefined && !onlyResources) {
    problems.push({
      path: [...at, 'bytes'],
      message: 'only connections to a resource can be reset later (kind: resource)',
    });
  }
  if (then.do === 'rate' && then.queue !== undefined && on.seam === 'decision') {
    problems.push({
      path: [...at, 'queue'],
      message: 'a connection to a resource has no losses, and UDP waits for 200 ms, so there is no queue to set',
    });
  }
  for (const address of list(then.addresses)) {
    if (addressBytes(address) !== undefined) continue;
    problems.push({ path: [...at, 'addresses'], message: `"${address}" is not an IP address` });
  }
  return problems;
}
