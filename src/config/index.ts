export { configJsonSchema } from './json-schema.ts';
export { CONFIG_KEYS, type ConfigKey } from './keys.ts';
export {
  type ConfigProblem,
  defaultConfig,
  type FlagSetting,
  IN_PROCESS_DEFAULTS,
  type LoadedConfig,
  type LoadOptions,
  loadConfig,
  resolveConfig,
} from './load.ts';
export type { Config, ConfigInput, HostConfig, UpstreamConfig } from './schema.ts';
export { tunnelSettings } from './tunnel-settings.ts';
