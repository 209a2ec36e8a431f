export type { HealthResult, MintedToken, TokenRequest } from './admin/index.ts';
export { type ClientStep, TunnelClient, type TunnelClientOptions, type TunnelConfiguration } from './client/index.ts';
export type { Config, ConfigInput } from './config/index.ts';
export type { IdentityProvider } from './entra/index.ts';
export type { FaultPorts } from './faults/ports.ts';
export type { SessionInfo, SessionStore, StoredSession } from './gateway/index.ts';
export type { Closable } from './lib/dispose.ts';
export { ERROR_CODES, type ErrorCode, isTunneliteError, TunneliteError } from './lib/errors.ts';
export {
  runSimulator,
  type Simulator,
  type SimulatorRuntime,
  type SimulatorUrls,
  startSimulator,
} from './simulator/index.ts';
export type { EventMap, EventName, Journal, JournalQuery, TunneliteEvent } from './telemetry/index.ts';
