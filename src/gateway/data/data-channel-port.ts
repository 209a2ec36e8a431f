import type { TLSSocket } from 'node:tls';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Closable } from '../../lib/dispose.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { ClientHeaders, HeaderLine } from '../../wire/cstp-headers.ts';
import type { SessionInfo, TunnelSettings } from '../types.ts';

/*
 * The seam between the control side (TLS, CSTP, sessions: gateway.ts, session.ts) and the UDP data channel
 * (data-channel.ts and its neighbours).
 *
 * - `createGateway` in index.ts hands a `DataChannelFactory` to the gateway; without one, or with `disableUdp`,
 *   CONNECT is answered without any X-DTLS header.
 * - The gateway first binds TCP, then calls `bind(host, port)`; when the UDP number is taken and the configured port
 *   was 0 it tries another pair, so `bind` may be called again after it rejected.
 * - At each CONNECT the gateway calls `offer`. A channel it returns lives until `close`, which the gateway calls
 *   exactly once: when the session ends, when its TCP connection ends, or when another CONNECT replaces this one.
 * - Towards the client, `TunnelSession.deliver` asks `channel.active`, then `channel.send`. From the client, the
 *   channel hands each IP packet to `session.receive(...)` and calls `session.receiveEnd()` once per batch.
 * - Types other than data (DPD, keepalive, disconnect) are the channel's own business, except that disconnect goes to
 *   `session.disconnectedByClient(payload)`.
 */

/** Why a session or one of its tunnels ended, as a closed set of words. */
export type EndReason =
  | 'user'
  | 'temporary'
  | 'connection-lost'
  | 'replaced'
  | 'admin'
  | 'idle'
  | 'session-timeout'
  | 'dpd'
  | 'protocol-error'
  | 'shutdown';

/** What the data channel sees of a session. Implemented by `GatewaySession`. */
export interface TunnelSession {
  /** The live view: its fields change as the session does. */
  readonly info: SessionInfo;
  /** Largest inner packet, in bytes. */
  readonly mtu: number;
  /** Dead-peer detection period in seconds (the mobile one for mobiles); 0 = off. */
  readonly dpd: number;
  /** One IP packet that came over the data channel. Checks the source address, counts, hands it on. The buffer is the caller's. */
  receive(buffer: Buffer, offset: number, length: number): void;
  /** After the last packet of one batch. */
  receiveEnd(): void;
  /** Any packet came over the data channel that is not data. */
  touch(): void;
  /** The client sent a disconnect packet over the data channel; `payload` without the type byte. */
  disconnectedByClient(payload: Buffer): void;
  /** Ends the session from inside. */
  end(reason: EndReason, explanation: string): void;
}

/** One data channel of one tunnel. `active` may change at any time; it decides where `deliver` sends. */
export interface DataChannel {
  /** True while packets to the client go over this channel. */
  readonly active: boolean;
  /** IANA name of the cipher suite once the handshake is done. */
  readonly cipher: string | undefined;
  /** `address:port` of the client's end once known. */
  readonly remote: string | undefined;
  /**
   * Sends one IP packet; the 16 bytes before `offset` may be overwritten.
   * `too-large`: this packet goes over CSTP instead. `dropped`: as by a router.
   */
  send(buffer: Buffer, offset: number, length: number): 'sent' | 'too-large' | 'dropped';
  /** A data packet came over CSTP: the client has moved to TCP (reference §9). */
  controlDataReceived(): void;
  /** Ends the channel; after this nothing of the session may be called. `notify`: tell the client if there is a way to. */
  close(reason: EndReason, notify: boolean): void;
}

/** The answer to a CONNECT that asks for DTLS. */
export interface DataChannelOffer {
  /**
   * The part of the X-DTLS block between `X-DTLS-Keepalive` and `X-CSTP-Base-MTU`: App-ID or Session-ID, cipher suite,
   * and in legacy mode `X-DTLS-MTU`. DPD, Port, Rekey-Time and Keepalive lines are written by the gateway.
   */
  readonly headers: readonly HeaderLine[];
  /** Comes to life once the answer is written: a ClientHello may arrive before that. */
  readonly channel: DataChannel;
}

/** The UDP side of a gateway. */
export interface DataChannelServer extends Closable {
  /** Binds the UDP socket; rejects with the system's error when it cannot. */
  bind(host: string, port: number): Promise<void>;
  /** Bytes that a DTLS record adds to an inner packet for this client: header, nonce, tag, type byte; `undefined` = nothing to offer. */
  overhead(headers: ClientHeaders, tls: TLSSocket): number | undefined;
  /** Makes the channel for one CONNECT; the MTU of the session is already set. `undefined` = no common cipher. */
  offer(headers: ClientHeaders, session: TunnelSession, tls: TLSSocket): DataChannelOffer | undefined;
  stats(): Readonly<Record<string, number>>;
}

/** What a data channel server is built from. */
export interface DataChannelOptions {
  readonly settings: TunnelSettings;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly accelerate: boolean;
  /** NSS key-log lines of the DTLS handshakes, for Wireshark. */
  readonly keylog?: ((line: string) => void) | undefined;
  /** Faults injected into single datagrams. */
  readonly faults?: FaultPorts | undefined;
}

export type DataChannelFactory = (options: DataChannelOptions) => DataChannelServer;
