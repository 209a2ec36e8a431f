import { TunneliteError } from '../../lib/errors.ts';

/** Xcode build settings by name: values can reference other settings. */
export type BuildSettings = Readonly<Record<string, string>>;

/** Longest expanded value, in characters. Mutually recursive settings would grow without limit. */
const MAX_VALUE = 4096;
/** Maximum depth of nested references. */
const MAX_LEVELS = 32;
/** Longest `.xcconfig` file, in characters. */
const MAX_FILE = 1024 * 1024;
/** Most included files, direct and indirect. */
const MAX_FILES = 64;

/** The innermost `$(NAME:operator)` or `${NAME}`: one without a nested reference. `$()` is empty. */
const REFERENCE = /\$(?:\(([A-Za-z0-9_]*)((?::[^():{}$]*)*)\)|\{([A-Za-z0-9_]*)((?::[^():{}$]*)*)\})/g;

/** True while a build setting has no value. */
export const unresolved = (text: string): boolean => /\$[({]/.test(text);

/** Effect of Xcode's operators on a value; those irrelevant to identifiers leave it unchanged. */
function operate(value: string, operator: string): string {
  if (operator === 'lower') return value.toLowerCase();
  if (operator === 'upper') return value.toUpperCase();
  if (operator === 'rfc1034identifier') return value.replaceAll(/[^A-Za-z0-9.-]/g, '-');
  if (operator === 'c99extidentifier' || operator === 'identifier') return value.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return value;
}

const DEFAULT = ':default=';

/**
 * Expands build settings in strings, including references in values and in names. A
 * reference without a value stays unchanged, and so does a circular one.
 */
export function buildSettingsFiller(settings: BuildSettings): (text: string) => string {
  // Each setting is expanded once: otherwise settings with two references each would double the work at each level.
  const values = new Map<string, string | undefined>();

  const fill = (text: string, within: readonly string[]): string => {
    let result = text;
    // Each pass expands the innermost references, so that `$(HOST_$(STAGE))` becomes a plain reference for the next.
    for (let turn = 0; turn < MAX_LEVELS; turn++) {
      const next = result.replaceAll(REFERENCE, (all, round, roundOperators, curly, curlyOperators) => {
        const name: string = round ?? curly;
        const operators: string = roundOperators ?? curlyOperators ?? '';
        const at = operators.indexOf(DEFAULT);
        const fallback = at < 0 ? undefined : operators.slice(at + DEFAULT.length);
        const known = name === '' ? '' : filledValue(name, within);
        const start = fallback !== undefined && (known ?? '') === '' ? fallback : known;
        if (start === undefined) return all;
        const names = (at < 0 ? operators : operators.slice(0, at)).split(':').slice(1);
        return names.reduce(operate, start);
      });
      if (next === result || next.length > MAX_VALUE) return result;
      result = next;
    }
    return result;
  };

  /** An expanded setting; undefined when it, or one that it references, has no value. */
  const filledValue = (name: string, within: readonly string[]): string | undefined => {
    if (values.has(name)) return values.get(name);
    if (!Object.hasOwn(settings, name) || within.includes(name) || within.length >= MAX_LEVELS) return undefined;
    const filled = fill(settings[name]!, [...within, name]);
    const value = unresolved(filled) ? undefined : filled;
    values.set(name, value);
    return value;
  };

  return (text) => fill(text, []);
}

/** `NAME = value` or `NAME[sdk=iphoneos*] = value`. */
const ASSIGNMENT = /^([A-Za-z_][A-Za-z0-9_]*)\s*((?:\[[^\]]*\]\s*)*)=(.*)$/;
/** The previous value of the setting. */
const INHERITED = /\$[({]inherited[)}]/;
const INCLUDE = /^#include(\?)?\s*"([^"]*)"/;

/** Conditions that match a device build; others are for simulators and other systems. */
const HOLDS = /^(?:sdk=(?:iphoneos.*|\*)|arch=(?:arm64.*|\*)|config=\*|variant=(?:normal|\*))$/;

/**
 * Parses Xcode's `.xcconfig`: one setting per line, the last one counts. As in Xcode, `//` starts a comment anywhere, so a
 * URL must be written `https:/$()/example.com`; `$(inherited)` is the previous value of the setting; of conditional settings,
 * those for devices count.
 *
 * @param include returns the contents of an included file, or undefined if there is none
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` for a line that is not a setting, or a file that is missing or too large
 */
export function parseXcconfig(
  text: string,
  include: (path: string) => XcconfigFile | undefined,
  before: BuildSettings = {},
): BuildSettings {
  const settings = new Map(Object.entries(before));
  read({ text, include }, settings, { files: 0 }, 0);
  return Object.fromEntries(settings);
}

/** An `.xcconfig` file, and the function that reads its includes. */
export interface XcconfigFile {
  readonly text: string;
  readonly include: (path: string) => XcconfigFile | undefined;
}

function read(file: XcconfigFile, settings: Map<string, string>, count: { files: number }, level: number): void {
  if (file.text.length > MAX_FILE) throw bad(`A build configuration has more than ${MAX_FILE} characters.`);
  if (++count.files > MAX_FILES || level > MAX_LEVELS) {
    throw bad(`A build configuration includes more than ${MAX_FILES} files; does one include itself?`);
  }
  for (const [index, whole] of file.text.split(/\r\n?|\n/).entries()) {
    const included = INCLUDE.exec(whole.trim());
    if (included) {
      const [, optional, path = ''] = included;
      const next = file.include(path);
      if (next) read(next, settings, count, level + 1);
      else if (!optional)
        throw bad(`Line ${index + 1} of a build configuration includes "${path}", which does not exist.`);
      continue;
    }
    const comment = whole.indexOf('//');
    const line = (comment < 0 ? whole : whole.slice(0, comment)).trim();
    if (line === '') continue;
    const [, name, conditions = '', assigned = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) {
      throw bad(`Line ${index + 1} of a build configuration is not a setting: "${line.slice(0, 80)}".`);
    }
    const terms = conditions.split(/[[\],\s]+/).filter((term) => term !== '');
    if (!terms.every((term) => HOLDS.test(term))) continue;
    const inherited = settings.get(name) ?? '';
    const parts = assigned.trim().split(INHERITED);
    const length = parts.reduce((sum, part) => sum + part.length, (parts.length - 1) * inherited.length);
    if (length > MAX_VALUE) throw bad(`The build setting ${name} is longer than ${MAX_VALUE} characters.`);
    settings.set(name, parts.join(inherited).trim());
  }
}

function bad(message: string): TunneliteError {
  return new TunneliteError('ERR_IDENTITY_APP_CHECK', message, {
    hint: 'Use an .xcconfig file of the Xcode project: lines such as NAME = value.',
  });
}
