import { type Config, planReload, resolveConfig } from '../config/index.ts';
import { readServerConfiguration } from '../config/server-configuration.ts';
import { isTunneliteError } from '../lib/errors.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * The whole configuration that a server configuration of Graph's means for a simulator. The port is that of the simulator, which others know.
 * @param base as the simulator was started
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
function configOf(base: Config, object: Json): Config {
  const { gateway } = readServerConfiguration(object);
  const { port: _, ...read } = gateway;
  return resolveConfig({
    ...base,
    // The directory is as it was, and long.
    identity: { ...base.identity, directory: null },
    serverConfiguration: null,
    gateway: { ...base.gateway, ...read },
  } as Parameters<typeof resolveConfig>[0]);
}

/** Why a server configuration cannot be one, in words; undefined where it can. */
export function serverConfigurationFault(base: Config, object: Json): string | undefined {
  try {
    configOf(base, object);
  } catch (error) {
    if (!isTunneliteError(error)) throw error;
    return error.message;
  }
  const port = object.listenPort;
  return typeof port === 'number' && port >= 1 && port <= 65_535 ? undefined : 'listenPort has to be from 1 to 65535.';
}

/**
 * What of a server configuration new sessions can go by, and what waits for a start.
 * @param now the configuration in force
 * @param port that the gateway listens at
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
