export {
  type Carrier,
  type ChannelName,
  ClientState,
  type ClientStep,
  type DtlsWish,
  networkCarrier,
  type TunnelConfiguration,
} from './core/index.ts';
export type { TunnelDispatcherOptions, TunnelFetchOptions, TunnelFetchResponse } from './fetch.ts';
export type { SdkConfig } from './sdk-config.ts';
export * from './sdk-types.ts';
export { TunnelClient } from './tunnel-client.ts';
export { type TunnelDevice, TunnelSdk } from './tunnel-sdk.ts';
export type { TunnelClientOptions } from './types.ts';
