import type { Socket } from 'node:net';
import type { StreamTap } from '../tls/stream-tap.ts';
import type { DatagramTap } from '../udp/datagram-tap.ts';

/** Direction of a packet: `in` = from the client, `out` = to it. */
export type CaptureDirection = 'in' | 'out';

/** Receives the IP packets of tunnels. */
export interface PacketTap {
  /** `buffer[offset, offset + length)` is one packet, valid only during the call. */
  packet(direction: CaptureDirection, session: string, buffer: Buffer, offset: number, length: number): void;
}

/** A connection at the gateway, as captures see it. */
export interface TappedConnection {
  readonly remote: string;
  readonly session: { readonly id: string } | undefined;
  readonly transport: { readonly raw: Socket; useTap(tap: StreamTap | undefined): void };
}

/** The gateway's access to captures. Checking for one costs a single comparison while there are none. */
export interface CaptureTaps {
  readonly packets?: PacketTap | undefined;
  readonly datagrams?: DatagramTap | undefined;
  /** Receives key log lines of new connections. */
  readonly keys?: ((line: string) => void) | undefined;
  /** Called for each new connection. */
  readonly connections?: ((connection: TappedConnection) => void) | undefined;
}

/** The state without captures. */
export const NO_TAPS: CaptureTaps = {};
