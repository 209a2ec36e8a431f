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

/** The way that packets take. */
export type ChannelName = 'tls' | 'dtls';

/** A step of connecting, in the order in which they come. */
export type ClientStep =
  | { readonly step: 'tls'; readonly protocol: string; readonly cipher: string; readonly subject: string }
  | { readonly step: 'challenge' }
  | { readonly step: 'token' }
  | { readonly step: 'authenticated' }
  | { readonly step: 'tunnel'; readonly configuration: TunnelConfiguration };

/** What a login knows. */
export interface SignInRequest {
  readonly url: URL;
  readonly userAgent: string;
  readonly signal: AbortSignal;
  readonly onStep: (step: ClientStep) => void;
}

/**
 * Gets a connection past the gateway's login: `tokenSignIn`, or what speaks another one. Not called when there is a cookie.
 * @throws TunneliteError
 */
export type SignIn = (connection: ControlConnection, request: SignInRequest) => Promise<void>;

/** What a client tells its owner. `C` is the client. */
export interface LightClientObserver<C> {
  onState?(client: C, state: ClientState, from: ClientState): void;
  /** A step of the try that is under way. */
  onStep?(client: C, step: ClientStep): void;
  /** There is a tunnel: the first, one after a time without, or a new one at a rekey. Addresses stay as they were. */
  onTunnel?(client: C, configuration: TunnelConfiguration): void;
  /** Packets take another way from now on. @param why in words */
  onChannel?(client: C, channel: ChannelName, why: string): void;
  /** Packets have come, of which `onPacket` gets each, until `onBatchEnd`. */
  onBatch?(client: C): void;
  /** One IP packet, `buffer[offset, offset + length)`, valid during the call only. */
  onPacket(client: C, buffer: Buffer, offset: number, length: number, channel: ChannelName): void;
  onBatchEnd?(client: C): void;
  /** The tunnel was lost, and is looked for again. */
  onLost?(client: C, error: TunneliteError): void;
  /** It is over, once. @param error `ERR_CLOSED` after `close` */
  onEnd?(client: C, error: TunneliteError): void;
}

/** What a client is made from. One object may serve any number of clients. */
export interface LightClientOptions<C> {
  /** `https://host:port` of the gateway. */
  readonly url: URL;
  readonly carrier: Carrier;
  /** The clients' common timer. */
  readonly timer: ClientTimer;
  readonly random: RandomSource;
  /** Whom to trust: `trust()`. */
  readonly secureContext: SecureContext;
  readonly observer: LightClientObserver<C>;
  /** Name to verify and to send as SNI, when it is not the host of `url`. */
  readonly serverName?: string | undefined;
  readonly userAgent?: string | undefined;
  /** What the client calls its machine: letters, digits and `-`. */
  readonly hostname?: string | undefined;
  /** Default `auto`. */
  readonly dtls?: DtlsWish | undefined;
  /** Link MTU to tell of, in bytes. Default 1500. */
  readonly baseMtu?: number | undefined;
  /** AEAD for DTLS; node:crypto when left out. */
  readonly protection?: RecordProtection | undefined;
  /** Time limit for each try to connect, in milliseconds. Default 30 s. */
  readonly connectTimeout?: number | undefined;
  /** For how long a lost tunnel is looked for, in milliseconds; 0 = not at all. Default 300 s. */
  readonly reconnectTimeout?: number | undefined;
  /**
   * How long data over DTLS may be unanswered before it moves to CSTP, in milliseconds; 0 = as long as the DPD allows, as openconnect
   * has it. Default 3.5 s.
   */
  readonly unansweredLimit?: number | undefined;
  /** Pauses between DTLS handshakes that fail, in milliseconds: after the first, and the longest. Default 10 s and 60 s. */
  readonly dtlsRetry?: { readonly first: number; readonly most: number } | undefined;
  /** NSS key log lines of TLS and DTLS. */
  readonly keylog?: ((line: Buffer) => void) | undefined;
}
