import type { Socket } from 'node:net';
import type { StreamTap } from '../tls/stream-tap.ts';
import type { DatagramTap } from '../udp/datagram-tap.ts';

/** Which way a packet travels: `in` = from the client, `out` = to it. */
export type CaptureDirection = 'in' | 'out';

/** Who sees the IP packets of tunnels. */
export interface PacketTap {
  /** `buffer[offset, offset + length)` is one, and good during the call. */
  packet(direction: CaptureDirection, session: string, buffer: Buffer, offset: number, length: number): void;
}

/** A connection at the gateway, as a capture sees it. */
export interface TappedConnection {
  readonly remote: string;
  readonly session: { readonly id: string } | undefined;
  readonly transport: { readonly raw: Socket; useTap(tap: StreamTap | undefined): void };
}

/** Where the gateway finds who captures. Looking costs one comparison while nobody does. */
export interface CaptureTaps {
  readonly packets?: PacketTap | undefined;
  readonly datagrams?: DatagramTap | undefined;
  /** Lines of the key log of connections that begin now. */
  readonly keys?: ((line: string) => void) | undefined;
  /** A connection has come. */
  readonly connections?: ((connection: TappedConnection) => void) | undefined;
}

/** Nobody captures. */
export const NO_TAPS: CaptureTaps = {};
