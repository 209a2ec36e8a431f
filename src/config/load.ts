import { dirname, resolve } from 'node:path';
import { type ErrorCode, TunneliteError } from '../lib/errors.ts';
import { type Path, type Problem, pathText, validate } from '../lib/schema/index.ts';
import { crossCheck } from './cross-checks.ts';
import { environmentLayer, flagsLayer, type Layer, merge, speaksOf, valueLayer } from './layers.ts';
import { type Config, type ConfigInput, ConfigSchema } from './schema.ts';
import { readServerConfiguration, unwrapServerConfiguration } from './server-configuration.ts';
import { readSourceFile, type SourceFile } from './source-file.ts';

/** A setting from the command line: its name, its text, and the flag as the person wrote it. */
export interface FlagSetting {
  readonly key: string;
  readonly text: string;
  readonly flag: string;
}

export interface LoadOptions {
  /** YAML or JSON; also a Graph microsoftTunnelConfiguration or an admin-settings.json as it is. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly flags?: readonly FlagSetting[];
  /** The files are read for another time: a pipe, which has nothing more to give, is refused. */
  readonly again?: boolean | undefined;
}

export interface LoadedConfig {
  readonly config: Config;
  /** What is allowed but probably not meant, in words. */
  readonly warnings: readonly string[];
  /** Absolute path of the configuration file, if there was one. */
  readonly file: string | undefined;
  /** Where a member stands, as in {@link ConfigProblem}; a directory in a file of its own included. */
  readonly locate: Layer['locate'];
}

/** One complaint about the configuration: where, what, and what to do. In `details.problems` of `ERR_CONFIG_INVALID`. */
export interface ConfigProblem {
  /** `tunnelite.yaml:3:9`, `TUNNELITE_GATEWAY_PORT (environment)`, `--port`. */
  readonly where: string;
  /** `gateway.port`. */
  readonly path: string;
  readonly message: string;
  readonly expected: string | undefined;
  readonly hint: string | undefined;
}

/** Members that name files or folders: relative ones are meant from the configuration file. */
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

/** Members whose value may be in a file of its own. */
const FILE_MEMBERS: readonly (readonly string[])[] = [['identity', 'directory'], ['intune']];

/** What a simulator inside another program differs in: free ports, nothing on disk, a quiet log. */
export const IN_PROCESS_DEFAULTS: ConfigInput = {
  gateway: { port: 0 },
  identity: { port: 0 },
  admin: { port: 0 },
  certs: { directory: null },
  log: { level: 'silent' },
};

/**
 * The configuration from file, environment and flags, in rising order of precedence, over the defaults.
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
 * The whole configuration that a part of one means, with defaults for the rest; of nothing, the defaults alone.
 *
 * @example
 * ```ts
 * const config = resolveConfig({ gateway: { dpd: 5 } }, IN_PROCESS_DEFAULTS);
 * ```
 * @param base what takes the place of the defaults
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
export function resolveConfig(input: ConfigInput = {}, base: ConfigInput = {}): Config {
  return loadInput(input, base).config;
}

/** As {@link resolveConfig}, with places and warnings. */
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

/** A file is either our own configuration, or one of the real product, which becomes our `serverConfiguration`. */
function fileLayer(file: SourceFile): Layer {
  const server = unwrapServerConfiguration(file.value);
  if (server) {
    return {
      value: { serverConfiguration: server },
      // The file's top is our member, so its name is no step inside the file.
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

/** The path inside the file, where the object may stand in the `value` of a Graph answer. */
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
  throw new TunneliteError('ERR_CONFIG_INVALID', `${file.locate([])}: The file does not hold an object with keys.`);
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
 * Refuses a configuration, or another file, for problems in it, each told with its place.
 * @throws TunneliteError `ERR_CONFIG_INVALID`, or with the given code, when there is one
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

/** A place and the member there, unless the place names it already, as `--set gateway.port` does. */
function placeText(where: string, path: string): string {
  return path === '' || where.split(' ').includes(path) ? where : `${where} ${path}`;
}

const SHOWN = 20;

function refuse(problems: readonly ConfigProblem[], code: ErrorCode = 'ERR_CONFIG_INVALID'): void {
  if (problems.length === 0) return;
  const lines = problems.slice(0, SHOWN).map(({ where, path, message, expected, hint }) => {
    const place = placeText(where, path);
    // Who is told what was meant needs no list of everything possible.
    const wanted = expected === undefined || hint?.startsWith('Did you mean') ? '' : ` Expected: ${expected}.`;
    return `${place}: ${message}.${wanted}${hint === undefined ? '' : ` ${hint}`}`;
  });
  if (problems.length > SHOWN) lines.push(`… and ${problems.length - SHOWN} more`);
  throw new TunneliteError(code, lines.join('\n'), { details: { problems } });
}
