export { AccessRules, type AccessSettings, type PersonDirectory } from './access-rules.ts';
export { ResourceBroker } from './broker.ts';
export type { LookUp } from './host-lookup.ts';
export { NameTable } from './name-table.ts';
export { createPolicy, type ServiceDirectory } from './policy.ts';
export type { RequestCounts, RequestOutcome } from './request-ledger.ts';
export { Resolver } from './resolver.ts';
export type * from './types.ts';
export { type CompiledRule, type UpstreamRule, UpstreamRules } from './upstream-rules.ts';
