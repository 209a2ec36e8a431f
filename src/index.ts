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
export {
  type ChannelName,
  ClientState,
  type ClientStep,
  type DtlsWish,
  type SdkConfig,
  type SdkTunnelConfiguration,
  TunnelClient,
  type TunnelClientOptions,
  type TunnelConfiguration,
  type TunnelDelegate,
  type TunnelDevice,
  type TunnelLogDelegate,
  TunnelSdk,
  TunnelSdkError,
  TunnelStatus,
} from './client/index.ts';
export type { Config, ConfigInput } from './config/index.ts';
export {
  type DirectoryInput,
  directoryAdmin,
  type FailNext,
  type IdentityControls,
  type IdentityProvider,
  type Outage,
  type TestTokenRequest,
} from './entra/index.ts';
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
export type { Closable } from './lib/dispose.ts';
export { ERROR_CODES, type ErrorCode, isTunneliteError, TunneliteError } from './lib/errors.ts';
export type { Person } from './lib/person.ts';
export type { ClockAdvance, ClockMode, SimulatorClock } from './lib/simulator-clock.ts';
export {
  type ResetResult,
  runSimulator,
  type SessionControls,
  type Simulator,
  type SimulatorRuntime,
  type SimulatorUrls,
  startSimulator,
} from './simulator/index.ts';
export {
  type EventLevel,
  type EventMap,
  type EventName,
  type ExpectedCount,
  type FieldCondition,
  type FieldTest,
  type Journal,
  type JournalMark,
  type JournalQuery,
  type ProblemQuery,
  parseNdjson,
  type TunneliteEvent,
  type WaitOptions,
} from './telemetry/index.ts';
