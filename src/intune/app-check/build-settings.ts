import { TunneliteError } from '../../lib/errors.ts';

/** Build settings by name, as Xcode has them: values may name other settings. */
export type BuildSettings = Readonly<Record<string, string>>;

/** Longest value that settings are filled into, in characters. Some that name each other twice would grow without end. */
const MAX_VALUE = 4096;
/** Settings that name each other, one within the other. */
const MAX_LEVELS = 32;
/** Longest `.xcconfig` file, in characters. */
const MAX_FILE = 1024 * 1024;
/** Files that one includes, directly or through others. */
const MAX_FILES = 64;

/** The innermost `$(NAME:operator)` or `${NAME}`: one without another in it. `$()` is empty. */
const REFERENCE = /\$(?:\(([A-Za-z0-9_]*)((?::[^():{}$]*)*)\)|\{([A-Za-z0-9_]*)((?::[^():{}$]*)*)\})/g;

/** True while a build setting has no value. */
export const unresolved = (text: string): boolean => /\$[({]/.test(text);

/** What Xcode's operators make of a value; those that say nothing of an identifier leave it as it is. */
function operate(value: string, operator: string): string {
  if (operator === 'lower') return value.toLowerCase();
  if (operator === 'upper') return value.toUpperCase();
  if (operator === 'rfc1034identifier') return value.replaceAll(/[^A-Za-z0-9.-]/g, '-');
  if (operator === 'c99extidentifier' || operator === 'identifier') return value.replaceAll(/[^A-Za-z0-9_]/g, '_');
  return value;
}

const DEFAULT = ':default=';

/**
 * Fills build settings into texts, also those that the values of others name, and those whose name is made of others. A
 * reference without a value stays as it is, and so does one to a setting that names itself in the end.
 */
export function buildSettingsFiller(settings: BuildSettings): (text: string) => string {
  // Each setting is filled in once: otherwise settings that name others twice would double the work at each level.
  const values = new Map<string, string | undefined>();

  const fill = (text: string, within: readonly string[]): string => {
    let result = text;
    // Each turn fills in the innermost references, so that `$(HOST_$(STAGE))` becomes one by the next.
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

  /** A setting with others filled in; undefined when it, or one that it names, has no value. */
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
/** What the setting was before. */
const INHERITED = /\$[({]inherited[)}]/;
const INCLUDE = /^#include(\?)?\s*"([^"]*)"/;

/** Conditions that hold for what runs on a device; the others are for simulators and other systems. */
const HOLDS = /^(?:sdk=(?:iphoneos.*|\*)|arch=(?:arm64.*|\*)|config=\*|variant=(?:normal|\*))$/;

/**
 * Reads Xcode's `.xcconfig`: one setting to a line, the last one counts. As in Xcode `//` begins a comment everywhere, so an
 * address has to be written `https:/$()/example.com`; `$(inherited)` is what the setting was before; of conditional settings
 * those count that hold on a device.
 *
 * @param include gives the text of an included file, or undefined when there is none
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` for a line that is no setting, or a file that is missing or too large
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

/** An `.xcconfig` file, and how the files are found that it includes. */
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
        throw bad(`Line ${index + 1} of a build configuration includes "${path}", which is not there.`);
      continue;
    }
    const comment = whole.indexOf('//');
    const line = (comment < 0 ? whole : whole.slice(0, comment)).trim();
    if (line === '') continue;
    const [, name, conditions = '', assigned = ''] = ASSIGNMENT.exec(line) ?? [];
    if (name === undefined) {
      throw bad(`Line ${index + 1} of a build configuration is no setting: "${line.slice(0, 80)}".`);
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
    hint: 'Give an .xcconfig file of the Xcode project: lines such as NAME = value.',
  });
}
