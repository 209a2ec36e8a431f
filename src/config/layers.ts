import { type Path, pathText, suggest } from '../lib/schema/index.ts';
import { OTHER_VARIABLES } from './constants.ts';
import { CONFIG_KEYS, parseSetting } from './keys.ts';

/** One source of settings. Later layers override earlier ones. */
export interface Layer {
  readonly value: Readonly<Record<string, unknown>>;
  /** The location of a member in a form for people: file, line and column; a variable; a flag. */
  locate(path: Path, atKey?: boolean): string;
}

/** Settings from a program. */
export function valueLayer(value: Readonly<Record<string, unknown>>): Layer {
  return { value, locate: pathText };
}

/** Settings from `TUNNELITE_…` variables, and warnings about unknown ones. */
export function environmentLayer(env: Readonly<Record<string, string | undefined>>): {
  readonly layer: Layer;
  readonly warnings: readonly string[];
} {
  const known = new Map(CONFIG_KEYS.map((key) => [key.variable, key]));
  const value: Record<string, unknown> = {};
  const warnings: string[] = [];
  for (const [variable, text] of Object.entries(env)) {
    if (!variable.startsWith('TUNNELITE_') || text === undefined || text === '') continue;
    const key = known.get(variable);
    if (key) setIn(value, key.path, parseSetting(key.schema, text));
    else if (!(OTHER_VARIABLES as readonly string[]).includes(variable)) {
      const meant = suggest(variable, [...known.keys(), ...OTHER_VARIABLES]);
      warnings.push(`The variable ${variable} is unknown${meant ? `; did you mean ${meant}?` : ' and is ignored.'}`);
    }
  }
  const locate = (path: Path): string => {
    const key = CONFIG_KEYS.find((one) => one.path.every((segment, i) => path[i] === segment));
    return key ? `${key.variable} (environment)` : pathText(path);
  };
  return { layer: { value, locate }, warnings };
}

/** Settings from the command line: maps a setting's name to its string, and the flag that set it. */
export function flagsLayer(flags: readonly { key: string; text: string; flag: string }[]): Layer {
  const value: Record<string, unknown> = {};
  const origins = new Map<string, string>();
  for (const { key, text, flag } of flags) {
    const known = CONFIG_KEYS.find((one) => one.name === key);
    setIn(value, known?.path ?? key.split('.'), known ? parseSetting(known.schema, text) : text);
    origins.set(key, flag);
  }
  return {
    value,
    locate: (path) => {
      for (let length = path.length; length > 0; length--) {
        const flag = origins.get(pathText(path.slice(0, length)));
        if (flag !== undefined) return flag;
      }
      return pathText(path);
    },
  };
}

/** Merges both: members of `over` win, objects are merged, lists are replaced as a whole. */
export function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isObject(under) || !isObject(over)) return over;
  const result: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (key !== '__proto__') result[key] = merge(Object.hasOwn(under, key) ? under[key] : undefined, value);
  }
  return result;
}

/** True if the layer itself sets this member. */
export function speaksOf(layer: Layer, path: Path): boolean {
  let value: unknown = layer.value;
  for (const segment of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, segment)) return false;
    value = (value as Record<string | number, unknown>)[segment];
  }
  return value !== undefined;
}

function setIn(target: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = target;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(at, key) ? at[key] : undefined;
    if (isObject(next)) at = next;
    else {
      const made: Record<string, unknown> = {};
      Object.defineProperty(at, key, { value: made, enumerable: true, configurable: true, writable: true });
      at = made;
    }
  }
  Object.defineProperty(at, path.at(-1)!, { value, enumerable: true, configurable: true, writable: true });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
