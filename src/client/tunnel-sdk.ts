import { systemClock } from '../lib/clock.ts';
import { isTunneliteError, type TunneliteError } from '../lib/errors.ts';
import { version } from '../lib/version.ts';
import { ClientState } from './core/index.ts';
import { withFreshToken } from './fresh-token.ts';
import { logLevel, readSdkConfig, type SdkConfig, sdkConfiguration } from './sdk-config.ts';
import type { SdkRules } from './sdk-rules.ts';
import {
  LOG_SEVERITIES,
  type TunnelDelegate,
  type TunnelLogClass,
  type TunnelLogDelegate,
  type TunnelLogSeverity,
  TunnelSdkError,
  TunnelStatus,
} from './sdk-types.ts';
import { TunnelClient } from './tunnel-client.ts';
import type { TunnelClientOptions } from './types.ts';

/** The device as the SDK sees it: trusted CAs, network, clock. */
export type TunnelDevice = Pick<
  TunnelClientOptions,
  'ca' | 'carrier' | 'clock' | 'random' | 'serverName' | 'dtls' | 'outside' | 'login'
>;

const WAYS = { tunnel: 'in the tunnel', direct: 'outside the tunnel', proxy: 'through a proxy' } as const;

/**
 * The bundled client with the API of the Tunnel for MAM SDK ("Microsoft Tunnel for MAM iOS SDK developer guide", learn.microsoft.com), to compare
 * with an app's states and events. Names and numbers are the SDK's.
 *
 * @example
 * ```ts
 * const sdk = new TunnelSdk({ ca: sim.ca });
 * sdk.initialize(
 *   { onTokenRequired: () => sim.token(), onInitialized: () => sdk.connect(), onConnected: () => console.log(sdk.getStatusString()) },
 *   { 'com.microsoft.tunnel.server_address': new URL(sim.urls.gateway).host },
 * );
 * ```
 */
export class TunnelSdk {
  readonly #device: TunnelDevice;
  #delegate: TunnelDelegate | undefined;
  #logDelegate: TunnelLogDelegate | undefined;
  #config: SdkConfig = {};
  #status: TunnelStatus = TunnelStatus.Uninitialized;
  #client: TunnelClient | undefined;
  /** Counts requested connections: results of an older one are ignored. */
  #turn = 0;
  /** Aborts the connection in progress. */
  #connecting: AbortController | undefined;

  constructor(device: TunnelDevice = {}) {
    this.#device = device;
  }

  /** The tunnel, if there is one: for traffic. */
  get client(): TunnelClient | undefined {
    return this.#client;
  }

  initialize(delegate: TunnelDelegate, config: SdkConfig = {}, logDelegate?: TunnelLogDelegate): TunnelSdkError {
    this.#delegate = delegate;
    this.#logDelegate = logDelegate;
    this.#config = { ...config };
    this.#log('MicrosoftTunnel', 'info', 'Initialized.');
    this.#become(TunnelStatus.Initialized, () => delegate.onInitialized?.());
    return TunnelSdkError.NoError;
  }

  /** Adds these keys to the existing ones, or replaces them. They apply from the next `connect` on. */
  setConfig(config: SdkConfig): TunnelSdkError {
    if (this.#status === TunnelStatus.Uninitialized) return TunnelSdkError.UnexpectedError;
    this.#config = { ...this.#config, ...config };
    return TunnelSdkError.NoError;
  }

  registerDelegate(delegate: TunnelDelegate): void {
    this.#delegate = delegate;
  }

  registerLogDelegate(delegate: TunnelLogDelegate): void {
    this.#logDelegate = delegate;
  }

  unregisterLogDelegate(): void {
    this.#logDelegate = undefined;
  }

  getStatus(): TunnelStatus {
    return this.#status;
  }

  getStatusString(): string {
    return Object.entries(TunnelStatus).find(([, value]) => value === this.#status)![0];
  }

  getVersionString(): string {
    return version;
  }

  /** Starts connecting; the delegate receives the result. */
  connect(): TunnelSdkError {
    if (this.#status === TunnelStatus.Uninitialized) return TunnelSdkError.UnexpectedError;
    if (this.#client) return TunnelSdkError.NoError;
    const read = readSdkConfig(this.#config);
    if (!read.server) {
      this.#fail(TunnelSdkError.InvalidConfig, undefined, read.problem);
      return TunnelSdkError.InvalidConfig;
    }
    void this.#open(read.server, read.rules, this.#nextTurn());
    return TunnelSdkError.NoError;
  }

  #nextTurn(): number {
    this.#connecting?.abort();
    this.#connecting = undefined;
    return ++this.#turn;
  }

  /** Ends the session. Resolves when the gateway has been notified. */
  async disconnect(): Promise<TunnelSdkError> {
    if (this.#status === TunnelStatus.Uninitialized) return TunnelSdkError.UnexpectedError;
    this.#nextTurn();
    const client = this.#client;
    this.#client = undefined;
    await client?.close();
    this.#become(TunnelStatus.Disconnected, () => this.#delegate?.onDisconnected?.());
    return TunnelSdkError.NoError;
  }

  /** Disconnects, and discards delegates and configuration. */
  async deinitialize(): Promise<void> {
    if (this.#client) await this.disconnect();
    this.#nextTurn();
    this.#become(TunnelStatus.Uninitialized, () => {});
    this.#delegate = undefined;
    this.#logDelegate = undefined;
    this.#config = {};
  }

  /** If the gateway refuses a token, requests one more, passing the refused one; if that fails too, the user must act. */
  async #open(server: URL, rules: SdkRules, turn: number): Promise<void> {
    const connecting = new AbortController();
    this.#connecting = connecting;
    let over: TunneliteError | undefined;
    try {
      const client = await withFreshToken(
        (failed) => this.#askToken(failed, turn),
        (token) =>
          TunnelClient.connect({
            outside: 'direct',
            ...rules,
            ...this.#device,
            server,
            token,
            signal: connecting.signal,
            onState: (state, from) => this.#onState(state, from, turn),
            onChannel: (channel, why) => this.#log('Socket', 'info', `Data goes over ${channel}: ${why}.`),
            onConnection: ({ host, port, way, why }) =>
              this.#log('Socket', 'debug', `${host} port ${port}, ${WAYS[way]}: ${why}.`),
            onDisconnect: (error) => {
              over = error;
              if (this.#client) this.#onEnd(error, turn);
            },
          }),
      );
      if (turn !== this.#turn) {
        await client.close();
        return;
      }
      this.#client = client;
      this.#delegate?.onTunnelConfigurationAvailable?.(sdkConfiguration(client.configuration));
      this.#become(TunnelStatus.Connected, () => this.#delegate?.onConnected?.());
      // Data received together with the answer that opened the tunnel may have ended it, before there was a client to close.
      if (over) this.#onEnd(over, turn);
      else if (client.state !== ClientState.Connected) this.#onState(client.state, ClientState.Connected, turn);
    } catch (error) {
      if (turn === this.#turn) this.#explain(error, isTunneliteError(error, 'ERR_CLIENT_TOKEN_REFUSED'));
    }
  }

  async #askToken(failed: string, turn: number): Promise<string> {
    // The connection is no longer wanted.
    if (turn !== this.#turn) throw new NoToken();
    this.#log('Intune', 'info', failed === '' ? 'A token is needed.' : 'The gateway refused the token.');
    const token = await this.#delegate!.onTokenRequired(failed);
    if (typeof token !== 'string' || token.trim() === '') throw new NoToken();
    return token.trim();
  }

  #explain(error: unknown, refused: boolean): void {
    if (refused) {
      this.#log('Intune', 'major', 'The gateway also refused the second token: the user must sign in again.');
      this.#become(TunnelStatus.UserInteractionRequired, () => this.#delegate?.onUserInteractionRequired?.());
    } else if (isTunneliteError(error)) {
      const kind = error.code === 'ERR_TIMEOUT' ? TunnelSdkError.Timeout : TunnelSdkError.UnexpectedError;
      this.#fail(kind, error, error.message);
    } else {
      const text = error instanceof NoToken ? 'The app had no token.' : `The app's token callback failed: ${error}.`;
      this.#fail(TunnelSdkError.Unknown, undefined, text);
    }
  }

  #onState(state: ClientState, from: ClientState, turn: number): void {
    if (turn !== this.#turn || !this.#client) return;
    this.#log('Connect', 'debug', `The tunnel went from ${from} to ${state}.`);
    if (state === ClientState.Waiting || state === ClientState.Reconnecting) {
      this.#become(TunnelStatus.Reconnecting, () => this.#delegate?.onReconnecting?.());
    } else if (state === ClientState.Connected) {
      this.#become(TunnelStatus.Connected, () => this.#delegate?.onConnected?.());
    }
  }

  #onEnd(error: TunneliteError, turn: number): void {
    if (turn !== this.#turn) return;
    this.#client = undefined;
    this.#log('Connect', 'major', error.message);
    this.#become(TunnelStatus.Disconnected, () => this.#delegate?.onDisconnected?.());
  }

  #fail(error: TunnelSdkError, cause: TunneliteError | undefined, message: string): void {
    this.#log('Connect', 'crit', message);
    this.#become(TunnelStatus.ErrorEncountered, () => this.#delegate?.onError?.(error, cause?.code, message));
  }

  #become(status: TunnelStatus, tell: () => void): void {
    if (this.#status === status && status !== TunnelStatus.ErrorEncountered) return;
    this.#status = status;
    this.#delegate?.onReceivedEvent?.(status);
    tell();
  }

  #log(logClass: TunnelLogClass, severity: TunnelLogSeverity, message: string): void {
    if (LOG_SEVERITIES.indexOf(severity) < LOG_SEVERITIES.indexOf(logLevel(this.#config, logClass))) return;
    const { clock = systemClock } = this.#device;
    this.#logDelegate?.logMessage(message, logClass, severity, new Date(clock.now()));
  }
}

/** The app answered the token request without a token. */
class NoToken extends Error {}
