export {
  type Carrier,
  type DatagramPort,
  type DatagramSink,
  networkCarrier,
  systemCarrier,
  type Target,
} from './carrier.ts';
export { ClientEvent, ClientState } from './client-state.ts';
export { ClientTimer } from './client-timer.ts';
export { SEND_HEADROOM } from './constants.ts';
export type { DtlsWish } from './dtls-wish.ts';
export { LightClient } from './light-client.ts';
export { tokenSignIn } from './login.ts';
export { trust } from './trust.ts';
export type { TunnelConfiguration } from './tunnel-configuration.ts';
export type {
  ChannelName,
  ClientStep,
  LightClientObserver,
  LightClientOptions,
  SignIn,
  SignInRequest,
} from './types.ts';
