import { TCP_FLAGS } from '../config/fault-members.ts';
import type { FaultAction, FaultSelector } from '../config/fault-schema.ts';
import { canonicalEndpoint } from '../lib/endpoint.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { isWithin } from '../lib/ip-range.ts';
import type { Person } from '../lib/person.ts';
import { claimsFit } from './claims.ts';
import type { Passing } from './types.ts';

/** The values of a member that may be one or a list. */
export function listOf<T>(value: T | readonly T[] | undefined): readonly T[] | undefined {
  if (value === undefined) return undefined;
  return (Array.isArray(value) ? value : [value]) as readonly T[];
}

type Test = (passing: Passing) => boolean;

/** The conditions of a selector, apart from the seam, as one test; some actions apply only to part of what it selects. */
export function matcherOf(on: FaultSelector, action: FaultAction): Test {
  const tests: Test[] = [];
  const { direction, length } = on;
  if (on.seam === 'decision') tests.push(...resourceTests(action));
  if (direction !== undefined) tests.push((one) => one.direction === direction);
  for (const key of ['kind', 'session'] as const) {
    const wanted = listOf(on[key]);
    if (wanted === undefined) continue;
    const words = new Set(wanted);
    tests.push((one) => words.has(one[key] ?? ''));
  }
  const users = listOf(on.user)?.map((name) => name.toLowerCase());
  if (users !== undefined) tests.push(({ person }) => person !== undefined && isOneOf(person, users));
  const remotes = listOf(on.remote);
  if (remotes !== undefined) tests.push(remoteTest(remotes));
  const names = listOf(on.name)?.map((name) => canonicalAddress(name.toLowerCase()));
  if (names !== undefined)
    tests.push(({ name }) => name !== undefined && names.some((one) => fits(name.toLowerCase(), one)));
  const { port } = on;
  if (port !== undefined) tests.push((one) => one.port === port);
  if (typeof length === 'number') tests.push((one) => one.length === length);
  else if (length !== undefined) {
    const { min = 0, max = Infinity } = length;
    tests.push((one) => one.length !== undefined && one.length >= min && one.length <= max);
  }
  const { bytes = 0 } = action;
  if (action.do === 'mtu_blackhole') tests.push((one) => one.length !== undefined && one.length > bytes);
  const addresses = listOf(on.address);
  if (addresses !== undefined) tests.push(addressTest(addresses));
  if (on.flags !== undefined) tests.push(flagTest(listOf(on.flags)!));
  if (on.claims !== undefined) {
    const wanted = on.claims;
    tests.push(({ claims }) => claims !== undefined && claimsFit(claims, wanted));
  }
  return (passing) => tests.every((test) => test(passing));
}

function remoteTest(remotes: readonly string[]): Test {
  // Addresses in the spelling that sockets use, regardless of the rule's spelling.
  const exact = new Set([...remotes, ...remotes.map(canonicalEndpoint)]);
  const ranges = remotes.filter((text) => text.includes('/'));
  return ({ remote }) =>
    remote !== undefined &&
    (exact.has(remote.address) || exact.has(remote.key) || ranges.some((range) => isWithin(remote.address, range)));
}

/** Tests for actions on resources: requests that the policy denies are left alone, and UDP cannot be reset. */
function resourceTests({ do: action }: FaultAction): Test[] {
  if (action === 'status') return [({ target }) => target === 'http'];
  if (!['delay', 'rate', 'reset'].includes(action)) return [];
  const connections = action === 'reset';
  return [
    ({ kind, target, protocol }) =>
      kind !== 'resource' || (target !== undefined && !(connections && protocol === 'udp')),
  ];
}

function addressTest(addresses: readonly string[]): Test {
  const exact = new Set(addresses.map(canonicalAddress));
  const ranges = addresses.filter((text) => text.includes('/'));
  return ({ address }) =>
    address !== undefined && (exact.has(address) || ranges.some((range) => isWithin(address, range)));
}

function flagTest(wanted: readonly string[]): Test {
  let mask = 0;
  let set = 0;
  for (const word of wanted) {
    const bit = TCP_FLAGS[word.replace('!', '')] ?? 0;
    mask |= bit;
    if (!word.startsWith('!')) set |= bit;
  }
  return ({ flags }) => flags !== undefined && (flags & mask) === set;
}

/** By user name, sign-in name or object id. */
function isOneOf({ username, signInName, objectId }: Person, users: readonly string[]): boolean {
  return [username, signInName, objectId].some((name) => name !== undefined && users.includes(name.toLowerCase()));
}

function fits(name: string, pattern: string): boolean {
  return pattern.startsWith('*.') ? name.endsWith(pattern.slice(1)) : name === pattern;
}
