import { EngineError } from './errors.ts';

/* Members of settings and steps, after their templates were filled in. `where` is their context, for messages. */

export type Members = Readonly<Record<string, unknown>>;

export function scriptError(message: string): EngineError {
  return new EngineError('ERR_ENGINE_SCRIPT', message);
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object with no other members than these. @throws EngineError `ERR_ENGINE_SCRIPT` */
export function membersOf(value: unknown, where: string, allowed: readonly string[]): Members {
  if (!isMembers(value)) throw scriptError(`${where} is not an object. Its members are ${allowed.join(', ')}.`);
  for (const name of Object.keys(value)) {
    if (!allowed.includes(name))
      throw scriptError(`${where} has no member "${name}". Its members are ${allowed.join(', ')}.`);
  }
  return value;
}

/** A non-empty string; undefined if it is omitted. @throws EngineError `ERR_ENGINE_SCRIPT` */
export function textOf(members: Members, name: string, where: string): string | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string' && value !== '') return value;
  throw scriptError(`"${name}" of ${where} is not a string, or is empty.`);
}

/** The same for a required string. */
export function requiredText(members: Members, name: string, where: string): string {
  const value = textOf(members, name, where);
  if (value === undefined) throw scriptError(`${where} needs "${name}".`);
  return value;
}

/** A number within bounds; templates turn numbers into strings. @throws EngineError `ERR_ENGINE_SCRIPT` */
export function numberOf(
  members: Members,
  name: string,
  where: string,
  [least, most]: readonly [number, number],
): number | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && number >= least && number <= most) return number;
  throw scriptError(`"${name}" of ${where} is not a number from ${least} to ${most}.`);
}

/** Ours: the longest time that a step may wait, in seconds. */
const MOST_SECONDS = 24 * 3600;

/** A time in seconds, like all times in Artillery. Returns milliseconds. @throws EngineError `ERR_ENGINE_SCRIPT` */
export function timeOf(members: Members, name: string, where: string, seconds: number): number {
  return (numberOf(members, name, where, [0.001, MOST_SECONDS]) ?? seconds) * 1000;
}

export function flagOf(members: Members, name: string, where: string): boolean | undefined {
  const value = members[name];
  if (value === undefined || value === null) return undefined;
  if (value === true || value === 'true') return true;
  if (value === false || value === 'false') return false;
  throw scriptError(`"${name}" of ${where} is neither true nor false.`);
}

/** @throws EngineError `ERR_ENGINE_SCRIPT` */
export function oneOf<const T extends string>(
  members: Members,
  name: string,
  where: string,
  all: readonly T[],
): T | undefined {
  const text = textOf(members, name, where);
  const found = all.find((each) => each === text);
  if (text !== undefined && found === undefined) {
    throw scriptError(`"${name}" of ${where} is "${text}", which is none of ${all.join(', ')}.`);
  }
  return found;
}
