import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { TunneliteError } from '../lib/errors.ts';
import { crossCheck } from './cross-checks.ts';
import { CONFIG_KEYS } from './keys.ts';
import { PATH_MEMBERS } from './load.ts';
import type { Config } from './schema.ts';

/** When a changed member takes effect: immediately, for new sessions, or at the next start. */
export type TakesEffect = 'at once' | 'new sessions' | 'restart';

/** Members, or sections of them, that a running simulator applies. All others are read once. */
const LIVE: Readonly<Record<string, TakesEffect>> = {
  'gateway.dnsServers': 'new sessions',
  'gateway.defaultDomain': 'new sessions',
  'gateway.splitDns': 'new sessions',
  'gateway.routesInclude': 'new sessions',
  'gateway.routesExclude': 'new sessions',
  'gateway.dpd': 'new sessions',
  'gateway.mobileDpd': 'new sessions',
  'gateway.keepalive': 'new sessions',
  'gateway.idleTimeout': 'new sessions',
  'gateway.mobileIdleTimeout': 'new sessions',
  'gateway.sessionTimeout': 'new sessions',
  'gateway.banner': 'new sessions',
  'gateway.proxyPac': 'new sessions',
  'gateway.serverName': 'new sessions',
  'gateway.authTimeout': 'at once',
  'gateway.denyRoaming': 'at once',
  'gateway.httpConnect': 'at once',
  'gateway.maxSessions': 'at once',
  'gateway.maxSessionsPerUser': 'at once',
  'identity.directory': 'at once',
  'identity.lifetimes': 'at once',
  'identity.behaviour': 'at once',
  'services.proxy': 'at once',
  'services.stubs': 'at once',
  'services.pac': 'at once',
  'resources.upstreams': 'at once',
  'resources.access': 'at once',
  'resources.dns': 'at once',
  'resources.denyWith': 'at once',
  faults: 'at once',
  'journal.level': 'at once',
  'log.level': 'at once',
};

/** Members that may contain passwords: their old and new values are not reported. */
const UNTOLD = new Set(['identity.directory', 'services.proxy.users']);

/** When a member takes effect if it changes while a simulator runs, by its name. */
export function takesEffect(name: string): TakesEffect {
  const section = name.split('.').slice(0, -1).join('.');
  return LIVE[name] ?? LIVE[section] ?? 'restart';
}

/** A changed member. */
export interface ChangedMember {
  /** `gateway.dpd`. */
  readonly member: string;
  /** Omitted, like `to`, if it may contain passwords. */
  readonly from?: unknown;
  readonly to?: unknown;
  readonly takesEffect: TakesEffect;
}

/** Result of a reload of the configuration. */
export interface ConfigChange {
  /** Members that were applied, or apply to new sessions. */
  readonly applied: readonly ChangedMember[];
  /** Members that still have their old value. */
  readonly needsRestart: readonly ChangedMember[];
}

/**
 * Determines which parts of a new configuration a running simulator can apply, and the configuration in force afterwards.
 * @throws TunneliteError `ERR_CONFIG_RELOAD` when the applicable part contradicts the rest
 */
export function planReload(before: Config, after: Config): ConfigChange & { readonly config: Config } {
  const changes: ChangedMember[] = [];
  const config = structuredClone(before);
  for (const { name, path } of CONFIG_KEYS) {
    // Its content is in the members of `gateway`.
    if (name === 'serverConfiguration') continue;
    const [from, to] = [valueAt(before, path), valueAt(after, path)];
    if (isDeepStrictEqual(from, to) || samePlace(name, from, to)) continue;
    const when = takesEffect(name);
    changes.push({ member: name, ...(UNTOLD.has(name) ? {} : { from, to }), takesEffect: when });
    if (when === 'restart') continue;
    (valueAt(config, path.slice(0, -1)) as Record<string, unknown>)[path.at(-1)!] = structuredClone(to);
  }
  const [problem] = crossCheck(config).problems;
  if (problem) {
    throw new TunneliteError(
      'ERR_CONFIG_RELOAD',
      `The new configuration is valid, but only after a restart: ${problem.path.join('.')}: ${problem.message}.`,
    );
  }
  return {
    applied: changes.filter(({ takesEffect }) => takesEffect !== 'restart'),
    needsRestart: changes.filter(({ takesEffect }) => takesEffect === 'restart'),
    config,
  };
}

/** Whether two spellings of a path, such as one in a flag and one in a file, mean the same file or directory. */
function samePlace(name: string, from: unknown, to: unknown): boolean {
  if (typeof from !== 'string' || typeof to !== 'string') return false;
  return PATH_MEMBERS.some((path) => path.join('.') === name) && resolve(from) === resolve(to);
}

function valueAt(value: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], value);
}
