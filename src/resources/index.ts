export { type AccessRule, AccessRules, type AccessSettings, type PersonDirectory } from './access-rules.ts';
export { ResourceBroker } from './broker.ts';
export { DnsForwarder, type ForwardSettings } from './dns-forwarder.ts';
export { NameTable } from './name-table.ts';
export { createPolicy, type ServiceDirectory } from './policy.ts';
export type { RequestCounts, RequestOutcome } from './request-ledger.ts';
export { type DnsCounts, Resolver } from './resolver.ts';
export type * from './types.ts';
export { type CompiledRule, type UpstreamRule, UpstreamRules } from './upstream-rules.ts';
