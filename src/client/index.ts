export type { TunnelDispatcherOptions, TunnelFetchOptions, TunnelFetchResponse } from './fetch.ts';
export { type ClientStep, TunnelClient, type TunnelClientOptions } from './tunnel-client.ts';
export type { TunnelConfiguration } from './tunnel-configuration.ts';
