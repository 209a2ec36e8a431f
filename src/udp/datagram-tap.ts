import type { DatagramDirection } from './datagram-faults.ts';
import type { Endpoint } from './datagram-socket.ts';

/** Sees the datagrams of a socket as they come from the network and go to it. */
export interface DatagramTap {
  /**
   * One datagram, `buffer[offset, offset + length)`; it is good during the call.
   * @param port ours
   */
  datagram(
    direction: DatagramDirection,
    datagram: { readonly buffer: Buffer; readonly offset: number; readonly length: number },
    remote: Endpoint,
    port: number,
    session: string | undefined,
  ): void;
}

/** Where a socket finds the tap. Looking costs one comparison while there is none. */
export interface DatagramTaps {
  readonly datagrams?: DatagramTap | undefined;
}
