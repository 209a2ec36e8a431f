export {
  type AccessInput,
  type AccessRuleInput,
  type AccessSetting,
  checkAccessRule,
  checkAccessSettings,
} from './access.ts';
export { AccessRuleSchema, AccessSchema } from './access-schema.ts';
export { asWritten, configJsonSchema, editorSchema } from './json-schema.ts';
export { CONFIG_KEYS, type ConfigKey } from './keys.ts';
export {
  type ConfigProblem,
  type FlagSetting,
  IN_PROCESS_DEFAULTS,
  type LoadedConfig,
  type LoadOptions,
  loadConfig,
  loadInput,
  refuseProblems,
  resolveConfig,
} from './load.ts';
export { MOCK_HOSTS, mockAddresses, mockName } from './mock-network.ts';
export { UpstreamSchema } from './network-schema.ts';
export { type ChangedMember, type ConfigChange, planReload, type TakesEffect, takesEffect } from './reload.ts';
export type { Config, ConfigInput } from './schema.ts';
export { needsCertificate } from './service-names.ts';
export { checkStub, hasStubs, MAX_EXPRESSIONS, MAX_STUB_BYTES, type StubInput, stubBytes } from './stub-checks.ts';
export { StubSchema } from './stub-schema.ts';
export { tunnelSettings } from './tunnel-settings.ts';
export { type CheckedUpstream, checkUpstream, type UpstreamInput } from './upstream.ts';
