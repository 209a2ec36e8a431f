import { existsSync } from 'node:fs';
import { type FlagSetting, type LoadedConfig, loadConfig } from '../../config/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { repeated } from './command.ts';
import type { CliIo } from './io.ts';

/** Default file names, if none is given. */
const CONFIG_FILES = ['tunnelite.yaml', 'tunnelite.yml', 'tunnelite.json'] as const;

/** The file to read, for every command that needs the configuration. */
export const fileOptions = {
  config: {
    type: 'string',
    alias: 'c',
    valueHint: 'file',
    description: 'Configuration: YAML, JSON, or an unchanged Graph microsoftTunnelConfiguration',
  },
  certs: { type: 'string', valueHint: 'folder', description: 'Directory for CA, certificates and state' },
  set: { type: 'string', valueHint: 'key=value', description: 'Any setting, such as gateway.dpd=30; repeatable' },
} as const;

/** The settings for which `start` has flags. */
export const startOptions = {
  ...fileOptions,
  port: {
    type: 'string',
    alias: 'p',
    valueHint: 'port',
    description: 'Port of the gateway, TCP and UDP; 0 = free ports for all listeners',
  },
  'identity-port': { type: 'string', valueHint: 'port', description: 'Built-in Entra ID' },
  'admin-port': { type: 'string', valueHint: 'port', description: 'Port for health and administration' },
  host: { type: 'string', valueHint: 'address', description: 'Address of all listeners; default 127.0.0.1' },
  'log-level': { type: 'string', valueHint: 'level', description: 'silent, error, warn, info, debug or trace' },
  'log-format': { type: 'string', valueHint: 'format', description: 'auto, pretty or json' },
} as const;

/** Maps a flag to the settings that it sets, in the order in which later ones win. */
const FLAGS: Readonly<Record<string, readonly string[]>> = {
  host: ['gateway.host', 'identity.host', 'admin.host'],
  port: ['gateway.port'],
  'identity-port': ['identity.port'],
  'admin-port': ['admin.port'],
  certs: ['certs.directory'],
  'log-level': ['log.level'],
  'log-format': ['log.format'],
};

/**
 * Loads the configuration from file, environment and flags. `again`: they are read again; `extra`: flags that come
 * after all others.
 * @throws TunneliteError `ERR_CLI_USAGE` and those of the configuration
 */
export function configFromArgs(
  args: Readonly<Record<string, unknown>>,
  rawArgs: readonly string[],
  io: CliIo,
  { again = false, extra = [] }: { readonly again?: boolean; readonly extra?: readonly FlagSetting[] } = {},
): LoadedConfig {
  const flags: FlagSetting[] = [];
  const free = args.port === '0';
  for (const [flag, keys] of Object.entries(FLAGS)) {
    const given = args[flag];
    // A single --port 0 is enough to run next to anything else.
    const text = typeof given === 'string' ? given : free && /-port$/.test(flag) ? '0' : undefined;
    if (text !== undefined) for (const key of keys) flags.push({ key, text, flag: `--${flag}` });
  }
  for (const pair of repeated(rawArgs, 'set')) {
    const at = pair.indexOf('=');
    if (at < 1) {
      throw new TunneliteError('ERR_CLI_USAGE', `"--set ${pair}" is not valid.`, {
        hint: 'Write --set key=value, for example --set gateway.dpd=30.',
      });
    }
    flags.push({ key: pair.slice(0, at).trim(), text: pair.slice(at + 1), flag: `--set ${pair.slice(0, at)}` });
  }
  flags.push(...extra);
  const named = typeof args.config === 'string' ? args.config : io.env.TUNNELITE_CONFIG;
  const file = named || CONFIG_FILES.find((name) => existsSync(name));
  return loadConfig({ file, env: io.env, flags, again });
}
