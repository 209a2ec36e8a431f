import type { ErrorCode } from '../lib/errors.ts';

/** States of the Tunnel for MAM SDK, with its numbers (`MicrosoftTunnelStatus` in the headers of ms-intune-tunnel-sdk-ios). */
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

/** Errors of the SDK, with its numbers (`MicrosoftTunnelError` in the same headers). */
export const TunnelSdkError = {
  NoError: 0,
  Unimplemented: 1,
  Timeout: 2,
  InvalidConfig: 3,
  Unknown: 4,
  UnexpectedError: 5,
} as const;
export type TunnelSdkError = (typeof TunnelSdkError)[keyof typeof TunnelSdkError];

/** The SDK's classes of log messages that the bundled client uses ("Microsoft Tunnel for MAM iOS SDK developer guide", learn.microsoft.com). */
export type TunnelLogClass = 'Connect' | 'Intune' | 'MicrosoftTunnel' | 'Socket';

/** From least to most severe. */
export const LOG_SEVERITIES = ['debug', 'info', 'warn', 'minor', 'major', 'crit'] as const;
export type TunnelLogSeverity = (typeof LOG_SEVERITIES)[number];

/** A network of the split tunnel. */
export interface SplitEntry {
  readonly ipAddress: string;
  readonly prefix: number;
}

/** The settings received from the gateway, named as in the SDK (`MicrosoftTunnelConfiguration`). */
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

/** Callbacks from the SDK to an app (`MicrosoftTunnelDelegate`). */
export interface TunnelDelegate {
  /** Called on each change of status. */
  onReceivedEvent?(status: TunnelStatus): void;
  onInitialized?(): void;
  onConnected?(): void;
  onReconnecting?(): void;
  onUserInteractionRequired?(): void;
  onDisconnected?(): void;
  /** @param code from the bundled client's own table, which is more specific */
  onError?(error: TunnelSdkError, code: ErrorCode | undefined, message: string): void;
  onTunnelConfigurationAvailable?(configuration: SdkTunnelConfiguration): void;
  /**
   * Called when a token is needed. Return an empty string if there is none.
   * @param failedToken the token that the gateway refused, to be removed from every cache; empty on the first call
   */
  onTokenRequired(failedToken: string): string | Promise<string>;
}

/** Destination of log messages (`logMessage` of the SDK's log delegate). */
export interface TunnelLogDelegate {
  logMessage(message: string, logClass: TunnelLogClass, severity: TunnelLogSeverity, time: Date): void;
}
