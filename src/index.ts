export {
  type ClockReading,
  connectSimulator,
  type HealthResult,
  type InstanceStatus,
  type MintedToken,
  type RemoteSimulator,
  type TokenRequest,
} from './admin/index.ts';
export * from './bearer/index.ts';
export type { CaptureLayers, CaptureOptions } from './capture/index.ts';
export type { CertificateStore } from './certs/index.ts';
export {
  type Carrier,
  type ChannelName,
  ClientState,
  type ClientStep,
  type ConnectionInfo,
  type DtlsWish,
  type OpenRequest,
  type OutsideRule,
  type ProxySetting,
  type SdkConfig,
  type SdkTunnelConfiguration,
  TunnelClient,
  type TunnelClientOptions,
  type TunnelConfiguration,
  type TunnelDelegate,
  type TunnelDevice,
  type TunnelDispatcherOptions,
  type TunnelFetchOptions,
  type TunnelFetchResponse,
  type TunnelLogDelegate,
  TunnelSdk,
  TunnelSdkError,
  TunnelStatus,
} from './client/index.ts';
export type { AccessInput, AccessRuleInput, Config, ConfigInput, StubInput, UpstreamInput } from './config/index.ts';
export {
  type AccessTokenRequest,
  type Claims,
  type Directory,
  type DirectoryInput,
  directoryAdmin,
  type Endpoint,
  type FailNext,
  type IdentityControls,
  type IdentityProvider,
  type Outage,
  type OverrideEndpoint,
  type TestTokenRequest,
  type TokenBasis,
  type TokenUser,
  type TokenVersion,
} from './entra/index.ts';
export type { Explanation, Subject } from './explain/index.ts';
export type {
  FaultEngine,
  FaultHandle,
  FaultRule,
  FaultRuleInput,
  FaultStatus,
  FaultStrike,
  Passing,
  ProfileName,
  StruckOptions,
} from './faults/index.ts';
export type {
  DrainOptions,
  DrainResult,
  Gateway,
  GatewayState,
  SessionInfo,
  SessionStore,
  StopOptions,
  StoredSession,
} from './gateway/index.ts';
export type { DeliverTo, GraphRequest, Platform, SetName } from './intune/index.ts';
export type { Clock, Timer } from './lib/clock.ts';
export type { Closable } from './lib/dispose.ts';
export { ERROR_CODES, type ErrorCode, isTunneliteError, TunneliteError } from './lib/errors.ts';
export type { Dial } from './lib/http-exchange.ts';
export type { Offload } from './lib/offload.ts';
export type { Person, PersonFacts, PersonFields } from './lib/person.ts';
export type { RandomSource } from './lib/random.ts';
export type { ClockAdvance, ClockMode, SimulatorClock } from './lib/simulator-clock.ts';
export type { LookUp, Network } from './network/index.ts';
export {
  type FastifyLike,
  type MockHostInfo,
  type OwnCaptureOptions,
  type ResetHook,
  type ResetResult,
  type ResourceList,
  runSimulator,
  type SessionControls,
  type Simulator,
  type SimulatorRuntime,
  type SimulatorUrls,
  startSimulator,
  type UpstreamHandler,
  type UpstreamInfo,
} from './simulator/index.ts';
export {
  type Emit,
  type EventArea,
  type EventLevel,
  type EventListener,
  type EventLogger,
  type EventMap,
  type EventName,
  type ExpectedCount,
  type FieldCondition,
  type FieldConditions,
  type FieldTest,
  type FieldValue,
  type Journal,
  type JournalMark,
  type JournalQuery,
  type ProblemQuery,
  parseNdjson,
  type TunneliteEvent,
  type WaitOptions,
} from './telemetry/index.ts';
