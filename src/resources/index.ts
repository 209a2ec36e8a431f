export { type BrokerOptions, ResourceBroker } from './broker.ts';
export { createPolicy, type PolicyOptions, type ServiceDirectory, type UpstreamRule } from './policy.ts';
export { Resolver, type ResolverOptions, type ZoneHost } from './resolver.ts';
export type * from './types.ts';
