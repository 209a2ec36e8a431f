import type { DatagramDirection } from './datagram-faults.ts';
import type { Endpoint } from './datagram-socket.ts';

/** Observes the datagrams of a socket as they are on the network. */
export interface DatagramTap {
  /**
   * Receives one datagram, `buffer[offset, offset + length)`; the memory is valid only during the call.
   * @param port the local port
   */
  datagram(
    direction: DatagramDirection,
    datagram: { readonly buffer: Buffer; readonly offset: number; readonly length: number },
    remote: Endpoint,
    port: number,
    session: string | undefined,
  ): void;
}

/** Where a socket looks for the tap. Without one, this costs one comparison. */
export interface DatagramTaps {
  readonly datagrams?: DatagramTap | undefined;
}
