import type { SecureContext } from 'node:tls';
import type { RecordProtection } from '../../dtls/record/record-protection.ts';
import type { TunneliteError } from '../../lib/errors.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Carrier } from './carrier.ts';
import type { ClientState } from './client-state.ts';
import type { ClientTimer } from './client-timer.ts';
import type { ControlConnection } from './control-connection.ts';
import type { DtlsWish } from './dtls-wish.ts';
import type { TunnelConfiguration } from './tunnel-configuration.ts';

/** The channel that packets use. */
export type ChannelName = 'tls' | 'dtls';

/** A step of connecting, in order. */
export type ClientStep =
  | { readonly step: 'tls'; readonly protocol: string; readonly cipher: string; readonly subject: string }
  | { readonly step: 'challenge' }
  | { readonly step: 'token' }
  | { readonly step: 'authenticated' }
  | { readonly step: 'tunnel'; readonly configuration: TunnelConfiguration };

/** Information available to a login. */
export interface SignInRequest {
  readonly url: URL;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: ClientStep) => void;
}

/**
 * Authenticates a connection at the gateway: `tokenSignIn`, or another method. Not called if there is a cookie.
 * @throws TunneliteError
 */
export type SignIn = (connection: ControlConnection, request: SignInRequest) => Promise<void>;

/** Callbacks from a client to its owner. `C` is the client. */
export interface LightClientObserver<C> {
  onState?(client: C, state: ClientState, from: ClientState): void;
  /** A step of the attempt in progress. */
  onStep?(client: C, step: ClientStep): void;
  /** There is a tunnel: the first, one after an interruption, or a new one at a rekey. Addresses stay the same. */
  onTunnel?(client: C, configuration: TunnelConfiguration): void;
  /** Packets use another channel from now on. @param why in words */
  onChannel?(client: C, channel: ChannelName, why: string): void;
  /** Packets have arrived; `onPacket` is called for each, until `onBatchEnd`. */
  onBatch?(client: C): void;
  /** One IP packet, `buffer[offset, offset + length)`, valid during the call only. */
  onPacket(client: C, buffer: Buffer, offset: number, length: number, channel: ChannelName): void;
  onBatchEnd?(client: C): void;
  /** The tunnel was lost; the client is reconnecting. */
  onLost?(client: C, error: TunneliteError): void;
  /** The client has ended; called once. @param error `ERR_CLOSED` after `close` */
  onEnd?(client: C, error: TunneliteError): void;
}

/** The parts a client is made from. One object may serve any number of clients. */
export interface LightClientOptions<C> {
  /** `https://host:port` of the gateway. */
  readonly url: URL;
  readonly carrier: Carrier;
  /** The clients' shared timer. */
  readonly timer: ClientTimer;
  readonly random: RandomSource;
  /** Trusted CAs: `trust()`. */
  readonly secureContext: SecureContext;
  readonly observer: LightClientObserver<C>;
  /** Name to verify and to send as SNI, if it differs from the host of `url`. */
  readonly serverName?: string | undefined;
  readonly userAgent?: string | undefined;
  /** The client's host name: letters, digits and `-`. */
  readonly hostname?: string | undefined;
  /** Default `auto`. */
  readonly dtls?: DtlsWish | undefined;
  /** Link MTU to announce, in bytes. Default 1500. */
  readonly baseMtu?: number | undefined;
  /** AEAD for DTLS; node:crypto if omitted. */
  readonly protection?: RecordProtection | undefined;
  /** Time limit for each attempt to connect, in milliseconds. Default 30 s. */
  readonly connectTimeout?: number | undefined;
  /** How long to retry a lost tunnel, in milliseconds; 0 = not at all. Default 300 s. */
  readonly reconnectTimeout?: number | undefined;
  /**
   * How long data over DTLS may be unanswered before it moves to CSTP, in milliseconds; 0 = as long as the DPD allows, like openconnect.
   * Default 3.5 s.
   */
  readonly unansweredLimit?: number | undefined;
  /** Pauses between failed DTLS handshakes, in milliseconds: after the first, and the longest. Default 10 s and 60 s. */
  readonly dtlsRetry?: { readonly first: number; readonly most: number } | undefined;
  /** NSS key log lines of TLS and DTLS. */
  readonly keylog?: ((line: Buffer) => void) | undefined;
}
