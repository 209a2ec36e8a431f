import type { ErrorCode } from '../lib/errors.ts';

/** States of the Tunnel for MAM SDK, by its numbers (reference tunnel-for-mam.md §5.4). */
export const TunnelStatus = {
  Uninitialized: 0,
  Initialized: 1,
  Connected: 2,
  Disconnected: 3,
  Reconnecting: 4,
  UserInteractionRequired: 5,
  ErrorEncountered: 6,
} as const;
export type TunnelStatus = (typeof TunnelStatus)[keyof typeof TunnelStatus];

/** Errors of the SDK, by its numbers (§5.4). */
export const TunnelSdkError = {
  NoError: 0,
  Unimplemented: 1,
  Timeout: 2,
  InvalidConfig: 3,
  Unknown: 4,
  UnexpectedError: 5,
} as const;
export type TunnelSdkError = (typeof TunnelSdkError)[keyof typeof TunnelSdkError];

/** Classes of log messages that the bundled client has something to say in, of those of the SDK (§5.5). */
export type TunnelLogClass = 'Connect' | 'Intune' | 'MicrosoftTunnel' | 'Socket';

/** From the least to the most severe. */
export const LOG_SEVERITIES = ['debug', 'info', 'warn', 'minor', 'major', 'crit'] as const;
export type TunnelLogSeverity = (typeof LOG_SEVERITIES)[number];

/** A network of the split tunnel. */
export interface SplitEntry {
  readonly ipAddress: string;
  readonly prefix: number;
}

/** What the gateway gave out, in the SDK's words (§5.3). */
export interface SdkTunnelConfiguration {
  readonly tunnelIpAddress: string;
  readonly tunnelNetmask: string;
  readonly mtu: number;
  readonly dnsServers: readonly string[];
  readonly dnsDomain: string;
  readonly dnsSearchEntries: readonly string[];
  readonly splitConfigurationIncludeEntries: readonly SplitEntry[];
  readonly splitConfigurationExcludeEntries: readonly SplitEntry[];
  readonly splitTunnelingEnabled: boolean;
}

/** What an app hears of the SDK (§5.3). */
export interface TunnelDelegate {
  /** Each change of the status. */
  onReceivedEvent?(status: TunnelStatus): void;
  onInitialized?(): void;
  onConnected?(): void;
  onReconnecting?(): void;
  onUserInteractionRequired?(): void;
  onDisconnected?(): void;
  /** @param code of the bundled client's own table, which tells more */
  onError?(error: TunnelSdkError, code: ErrorCode | undefined, message: string): void;
  onTunnelConfigurationAvailable?(configuration: SdkTunnelConfiguration): void;
  /**
   * A token is needed. An empty one means that there is none.
   * @param failedToken the one that the gateway refused, to be dropped from every cache; empty at first
   */
  onTokenRequired(failedToken: string): string | Promise<string>;
}

/** Where log messages go (§5.5). */
export interface TunnelLogDelegate {
  logMessage(message: string, logClass: TunnelLogClass, severity: TunnelLogSeverity, time: Date): void;
}
