import type { TLSSocket } from 'node:tls';
import type { CaptureTaps } from '../../capture/index.ts';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Closable } from '../../lib/dispose.ts';
import type { RandomSource } from '../../lib/random.ts';
import type { Network } from '../../network/index.ts';
import type { Emit } from '../../telemetry/events.ts';
import type { ClientHeaders, HeaderLine } from '../../wire/cstp-headers.ts';
import type { DataChannel, TunnelPort } from '../session/channel-ports.ts';

/*
 * The seam between the control side (connections, sessions) and the UDP data channel (data-channel.ts and its neighbours).
 *
 * - `createGateway` in index.ts hands a `DataChannelFactory` to the gateway; without one, or with `disableUdp`,
 *   CONNECT is answered without any X-DTLS header.
 * - The gateway first binds TCP, then calls `bind(host, port)`; when the UDP number is taken and the configured port
 *   was 0 it tries another pair, so `bind` may be called again after it rejected.
 * - At each CONNECT the gateway calls `offer`. A channel it returns lives until `close`.
 */

/** The answer to a CONNECT that requests DTLS. */
export interface DataChannelOffer {
  /**
   * The part of the X-DTLS block between `X-DTLS-Keepalive` and `X-CSTP-Base-MTU`: App-ID or Session-ID, cipher suite,
   * and in legacy mode `X-DTLS-MTU`. DPD, Port, Rekey-Time and Keepalive lines are written by the gateway.
   */
  readonly headers: readonly HeaderLine[];
  /** Becomes active when the answer is written; a ClientHello may arrive before that. */
  readonly channel: DataChannel;
}

/** The UDP side of a gateway. */
export interface DataChannelServer extends Closable {
  /** Binds the UDP socket; rejects with the system's error when it cannot. */
  bind(host: string, port: number): Promise<void>;
  /** Closes the UDP port for a fault, or opens it again; false: not possible for this socket. Rejects when it cannot be opened. */
  openPort?(open: boolean): Promise<boolean>;
  /** Bytes that a DTLS record adds to an inner packet for this client: header, nonce, tag, type byte; `undefined` = nothing to offer. */
  overhead(headers: ClientHeaders, tls: TLSSocket): number | undefined;
  /** Creates the channel for one CONNECT; `undefined` = no common cipher. */
  offer(headers: ClientHeaders, tunnel: TunnelPort, tls: TLSSocket): DataChannelOffer | undefined;
  stats(): Readonly<Record<string, number>>;
  /**
   * Before a jump of time by this many milliseconds, during which no packets can arrive: probes every client whose channel the jump would
   * end for silence.
   */
  askBefore(leap: number): void;
  /** Whether some probed clients have not answered yet. */
  readonly asked: boolean;
  /** Call after a jump of time: checks for silence at once. */
  leapt(): void;
}

/** Options of a data channel server. */
export interface DataChannelOptions {
  /** The configured link MTU, in bytes, which determines the space for a datagram. */
  readonly mtu: number;
  /** UDP port announced to clients; undefined = the bound one. */
  readonly announcedPort?: number | undefined;
  readonly emit: Emit;
  /** The clock for measuring silence. */
  readonly clock: Clock;
  /** The clock for datagrams, handshakes and losses. */
  readonly machine: Clock;
  readonly random: RandomSource;
  readonly acceleration: boolean;
  /** Source of datagrams. */
  readonly network: Network;
  /** NSS key-log lines of the DTLS handshakes, for Wireshark. */
  readonly keylog?: ((line: string) => void) | undefined;
  /** Called when all datagrams of one read have been passed to their tunnels. */
  readonly onBatchEnd: () => void;
  /** Faults injected into single datagrams. */
  readonly faults?: FaultPorts | undefined;
  /** Packet captures. */
  readonly taps?: CaptureTaps | undefined;
}

export type DataChannelFactory = (options: DataChannelOptions) => DataChannelServer;
