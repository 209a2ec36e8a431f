import { dirname, resolve } from 'node:path';
import { type ErrorCode, TunneliteError } from '../lib/errors.ts';
import { type Path, type Problem, pathText, validate } from '../lib/schema/index.ts';
import { crossCheck } from './cross-checks.ts';
import { environmentLayer, flagsLayer, type Layer, merge, speaksOf, valueLayer } from './layers.ts';
import { type Config, type ConfigInput, ConfigSchema } from './schema.ts';
import { readServerConfiguration, unwrapServerConfiguration } from './server-configuration.ts';
import { readSourceFile, type SourceFile } from './source-file.ts';

/** A setting from the command line: its name, its string value, and the flag as typed. */
export interface FlagSetting {
  readonly key: string;
  readonly text: string;
  readonly flag: string;
}

export interface LoadOptions {
  /** YAML or JSON; also an unmodified Graph microsoftTunnelConfiguration or admin-settings.json. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly FlagSetting[];
  /** The files are read again: a pipe, which is empty by then, is refused. */
  readonly again?: boolean | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** Settings that are allowed but probably not intended, in words. */
  readonly warnings: readonly string[];
  /** Absolute path of the configuration file, if there was one. */
  readonly file: string | undefined;
  /** The location of a member, as in {@link ConfigProblem}; includes a directory in a separate file. */
  readonly locate: Layer['locate'];
}

/** One problem of the configuration: where, what, and what to do. In `details.problems` of `ERR_CONFIG_INVALID`. */
export interface ConfigProblem {
  /** `tunnelite.yaml:3:9`, `TUNNELITE_GATEWAY_PORT (environment)`, `--port`. */
  readonly where: string;
  /** `gateway.port`. */
  readonly path: string;
  readonly message: string;
  readonly expected: string | undefined;
  readonly hint: string | undefined;
}

/** Members that name files or folders: relative paths are relative to the configuration file. */
export const PATH_MEMBERS: readonly (readonly string[])[] = [
  ['serverConfiguration'],
  ['certs', 'directory'],
  ['gateway', 'tls', 'certFile'],
  ['gateway', 'tls', 'keyFile'],
  ['gateway', 'tls', 'keylogFile'],
  ['identity', 'directory'],
  ['intune'],
  ['journal', 'file'],
];

/** Members whose value may be in a separate file. */
const FILE_MEMBERS: readonly (readonly string[])[] = [['identity', 'directory'], ['intune']];

/** Different defaults of a simulator inside another program: free ports, nothing on disk, a quiet log. */
export const IN_PROCESS_DEFAULTS: ConfigInput = {
  gateway: { port: 0 },
  identity: { port: 0 },
  admin: { port: 0 },
  certs: { directory: null },
  log: { level: 'silent' },
};

/**
 * Loads the configuration from file, environment and flags, in rising order of precedence, over the defaults.
 * @throws TunneliteError `ERR_CONFIG_FILE`, `ERR_CONFIG_SYNTAX`, `ERR_CONFIG_INVALID`
 */
export function loadConfig(options: LoadOptions = {}): LoadedConfig {
  const { again = false } = options;
  const file = options.file === undefined ? undefined : readSourceFile(options.file, { again });
  const { layer: environment, warnings } = environmentLayer(options.env ?? {});
  const layers: Layer[] = [];
  if (file) layers.push(fileLayer(file));
  layers.push(environment, flagsLayer(options.flags ?? []));
  const assembled = assemble(layers, again);
  return {
    config: assembled.config,
    warnings: [...warnings, ...assembled.warnings],
    file: file?.path,
    locate: assembled.locate,
  };
}

/**
 * Completes a partial configuration with defaults; an empty one gives the defaults.
 *
 * @example
 * ```ts
 * const config = resolveConfig({ gateway: { dpd: 5 } }, IN_PROCESS_DEFAULTS);
 * ```
 * @param base replaces the defaults
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
export function resolveConfig(input: ConfigInput = {}, base: ConfigInput = {}): Config {
  return loadInput(input, base).config;
}

/** Like {@link resolveConfig}, with locations and warnings. */
export function loadInput(input: ConfigInput, base: ConfigInput = {}): LoadedConfig {
  const assembled = assemble([valueLayer(base as Layer['value']), valueLayer(input as Layer['value'])]);
  return { ...assembled, file: undefined };
}

function assemble(layers: readonly Layer[], again = false): Pick<LoadedConfig, 'config' | 'warnings' | 'locate'> {
  const warnings: string[] = [];
  const all = [...layers];
  const problems: ConfigProblem[] = [];
  for (const layer of layers) {
    for (const problem of validate(ConfigSchema, layer.value, { complete: false }).problems) {
      problems.push(located(problem, layer.locate));
    }
  }
  refuse(problems);
  const given = layers.findLast((layer) => layer.value.serverConfiguration !== undefined);
  const server = given && serverLayer(given, warnings, again);
  if (server) {
    all.unshift(server.layer);
    refuse(
      validate(ConfigSchema, server.layer.value, { complete: false }).problems.map((problem) =>
        located(problem, server.layer.locate),
      ),
    );
  }
  const merged = all.reduce<unknown>((under, layer) => merge(under, layer.value), {});
  const complete = validate(ConfigSchema, merged, { complete: true });
  const files: { readonly member: Path; readonly file: SourceFile }[] = [];
  const locate: Layer['locate'] = (path, atKey) => {
    const found = files.find(({ member }) => member.every((step, i) => path[i] === step));
    if (found) return found.file.locate(path.slice(found.member.length), atKey);
    return (all.findLast((layer) => speaksOf(layer, path)) ?? valueLayer({})).locate(path, atKey);
  };
  refuseProblems(complete.problems, locate);
  const config = complete.value as Config;
  if (server) config.serverConfiguration = server.object;
  for (const member of FILE_MEMBERS) {
    const parent = member.slice(0, -1).reduce<unknown>(memberOf, config) as Record<string, unknown>;
    const name = parent[member.at(-1)!];
    if (typeof name !== 'string') continue;
    const file = readSourceFile(name, { namedAt: placeText(locate(member), pathText(member)), again });
    parent[member.at(-1)!] = objectOf(file);
    files.push({ member, file });
  }
  const checked = crossCheck(config);
  const isSet = (path: Path): boolean => all.some((layer) => speaksOf(layer, path));
  refuse(
    checked.problems.map((problem) => {
      const { path, against } = problem;
      const blamed = against !== undefined && !isSet(path) && isSet(against) ? against : path;
      return { ...located(problem, locate), where: locate(blamed, problem.atKey) };
    }),
  );
  return { config, warnings: [...warnings, ...checked.warnings], locate };
}

/** A file is either a Tunnelite configuration, or one of the real product, which becomes our `serverConfiguration`. */
function fileLayer(file: SourceFile): Layer {
  const server = unwrapServerConfiguration(file.value);
  if (server) {
    return {
      value: { serverConfiguration: server },
      // The top level of the file is our member, so its name is not part of paths inside the file.
      locate: (path, atKey) => file.locate(inside(file.value, server, path.slice(1)), atKey),
    };
  }
  const value = structuredClone(file.value === null || file.value === undefined ? {} : objectOf(file));
  for (const member of PATH_MEMBERS) {
    const parent = member.slice(0, -1).reduce<unknown>((at, key) => memberOf(at, key), value);
    const key = member.at(-1)!;
    const text = memberOf(parent, key);
    if (typeof text === 'string' && text !== '') {
      (parent as Record<string, unknown>)[key] = resolve(dirname(file.path), text);
    }
  }
  return { value, locate: (path, atKey) => file.locate(path, atKey) };
}

/** The path inside the file; the object may be in the `value` of a Graph answer. */
function inside(value: unknown, server: unknown, path: Path): Path {
  const steps: (string | number)[] = [];
  for (let at = value; at !== server; ) {
    const key = Array.isArray(at) ? 0 : 'value';
    steps.push(key);
    at = (at as Record<string | number, unknown>)[key];
  }
  return [...steps, ...path];
}

function serverLayer(
  given: Layer,
  warnings: string[],
  again: boolean,
): { readonly layer: Layer; readonly object: Record<string, unknown> } | undefined {
  const value = given.value.serverConfiguration;
  if (value === null) return undefined;
  const named = given.locate(['serverConfiguration']);
  const file =
    typeof value === 'string'
      ? readSourceFile(value, { namedAt: placeText(named, 'serverConfiguration'), again })
      : undefined;
  const object = unwrapServerConfiguration(file ? file.value : value);
  if (!object) {
    refuse([
      {
        where: file?.label ?? named,
        path: 'serverConfiguration',
        message: 'this is not a server configuration of Microsoft Tunnel',
        expected: 'a Graph microsoftTunnelConfiguration object or an admin-settings.json',
        hint: undefined,
      },
    ]);
    return undefined;
  }
  const { gateway, origins, warnings: more } = readServerConfiguration(object);
  warnings.push(...more);
  const locate: Layer['locate'] = (path, atKey) => {
    const origin = origins[String(path[1])];
    const at: Path = origin === undefined ? [] : [origin];
    return file
      ? `${file.locate(inside(file.value, object, at), atKey)} ${origin ?? ''}`.trim()
      : `${given.locate(['serverConfiguration', ...at], atKey)} ${origin ?? ''}`.trim();
  };
  return { layer: { value: { gateway }, locate }, object };
}

function objectOf(file: SourceFile): Record<string, unknown> {
  const { value } = file;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new TunneliteError('ERR_CONFIG_INVALID', `${file.locate([])}: The file does not contain an object with keys.`);
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<string, unknown>)[key];
}

function located(problem: Problem, locate: Layer['locate']): ConfigProblem {
  return {
    where: locate(problem.path, problem.atKey),
    path: pathText(problem.path),
    message: problem.message,
    expected: problem.expected,
    hint: problem.hint,
  };
}

/**
 * Rejects a configuration, or another file, because of problems in it, each reported with its location.
 * @throws TunneliteError `ERR_CONFIG_INVALID`, or with the given code, if there is a problem
 */
export function refuseProblems(
  problems: readonly Problem[],
  locate: LoadedConfig['locate'],
  code: ErrorCode = 'ERR_CONFIG_INVALID',
): void {
  refuse(
    problems.map((problem) => located(problem, locate)),
    code,
  );
}

/** A location and the member there, unless the location already names it, as `--set gateway.port` does. */
function placeText(where: string, path: string): string {
  return path === '' || where.split(' ').includes(path) ? where : `${where} ${path}`;
}

const SHOWN = 20;

function refuse(problems: readonly ConfigProblem[], code: ErrorCode = 'ERR_CONFIG_INVALID'): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, SHOWN).map(({ where, path, message, expected, hint }) => {
    const place = placeText(where, path);
    // A message with a suggestion does not need a list of all possible values.
    const wanted = expected === undefined || hint?.startsWith('Did you mean') ? '' : ` Expected: ${expected}.`;
    return `${place}: ${message}.${wanted}${hint === undefined ? '' : ` ${hint}`}`;
  });
  if (problems.length > SHOWN) lines.push(`… and ${problems.length - SHOWN} more`);
  throw new TunneliteError(code, lines.join('\n'), { details: { problems } });
}
