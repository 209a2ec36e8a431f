export {
  busyCarrier,
  type Carrier,
  type DatagramPort,
  type DatagramSink,
  networkCarrier,
  systemCarrier,
  systemCarrierFrom,
  type Target,
} from './carrier.ts';
export { ClientEvent, ClientState } from './client-state.ts';
export { ClientTimer } from './client-timer.ts';
export {
  CONNECT_TIMEOUT_MS,
  DTLS_HANDSHAKE_MS,
  DTLS_RETRY,
  RECONNECT_TIMEOUT_MS,
  SEND_HEADROOM,
  UNANSWERED_SWITCH_MS,
} from './constants.ts';
export type { DtlsWish } from './dtls-wish.ts';
export { ImpairedCarrier } from './impaired-carrier.ts';
export { LightClient } from './light-client.ts';
export { tokenSignIn } from './login.ts';
export { passwordSignIn } from './password-sign-in.ts';
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
