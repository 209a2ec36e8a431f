import { type Config, planReload, resolveConfig } from '../config/index.ts';
import { readServerConfiguration } from '../config/server-configuration.ts';
import { isTunneliteError } from '../lib/errors.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The complete configuration that a server configuration of Graph defines for a simulator. The port stays the simulator's, because clients use it.
 * @param base the configuration at the start
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
function configOf(base: Config, object: Json): Config {
  const { gateway } = readServerConfiguration(object);
  const { port: _, ...read } = gateway;
  return resolveConfig({
    ...base,
    // The directory is unchanged, and long.
    identity: { ...base.identity, directory: null },
    serverConfiguration: null,
    gateway: { ...base.gateway, ...read },
  } as Parameters<typeof resolveConfig>[0]);
}

/** Why a server configuration is invalid, in words; undefined if it is valid. */
export function serverConfigurationFault(base: Config, object: Json): string | undefined {
  try {
    configOf(base, object);
  } catch (error) {
    if (!isTunneliteError(error)) throw error;
    return error.message;
  }
  const port = object.listenPort;
  return typeof port === 'number' && port >= 1 && port <= 65_535 ? undefined : 'listenPort must be from 1 to 65535.';
}

/**
 * Which parts of a server configuration apply to new sessions, and which require a restart.
 * @param now the configuration in force
 * @param port the gateway's port
 */
export function planServerConfiguration(now: Config, base: Config, object: Json, port: number) {
  const { identity } = now;
  const { config, applied, needsRestart } = planReload({ ...now }, { ...now, gateway: configOf(base, object).gateway });
  const other = typeof object.listenPort === 'number' && object.listenPort !== port;
  return {
    config: { ...config, identity },
    applied: applied.map(({ member }) => member),
    needsRestart: [...needsRestart.map(({ member }) => member), ...(other ? ['gateway.port'] : [])],
  };
}
