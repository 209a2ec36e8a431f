/** The bundled client alone: it loads nothing of the gateway, of Entra ID or of the simulator. See docs/reference/client.md. */

export type { Clock, Timer } from '../lib/clock.ts';
export { ERROR_CODES, type ErrorCode, isTunneliteError, TunneliteError } from '../lib/errors.ts';
export type { RandomSource } from '../lib/random.ts';
export type { Network } from '../network/index.ts';
export { type AppConfiguration, type AppConfigurationRequest, appConfiguration } from './app-configuration.ts';
export {
  type Carrier,
  type ChannelName,
  ClientState,
  type ClientStep,
  type DatagramPort,
  type DatagramSink,
  type DtlsWish,
  ImpairedCarrier,
  networkCarrier,
  systemCarrierFrom,
  type Target,
  type TunnelConfiguration,
} from './core/index.ts';
export { type TokenSource, withFreshToken } from './fresh-token.ts';
export { startHttpProxy } from './local/http-proxy.ts';
export { startSocksProxy } from './local/socks-server.ts';
export type { LocalProxy, LocalProxyOptions, ProxiedClient } from './local/types.ts';
export { type AppOutcome, type ManagedAccount, ManagedApp, type ManagedAppOptions } from './managed-app.ts';
export { type MsalAccount, type MsalApplication, type MsalTokenOptions, msalToken } from './msal-token.ts';
export type { ConnectionInfo, OutsideRule } from './router.ts';
export type { ProxySetting } from './routing/proxy-rules.ts';
export type { SdkConfig } from './sdk-config.ts';
export * from './sdk-types.ts';
export type { TunnelDispatcherOptions, TunnelFetchOptions, TunnelFetchResponse } from './traffic/fetch.ts';
export type { LookupCallback, TunnelLookup } from './traffic/lookup.ts';
export type { OpenRequest } from './traffic/types.ts';
export type { TunnelUdpEvents, TunnelUdpSocket } from './traffic/udp-socket.ts';
export { TunnelClient } from './tunnel-client.ts';
export { type TunnelDevice, TunnelSdk } from './tunnel-sdk.ts';
export type { TunnelClientOptions } from './types.ts';
