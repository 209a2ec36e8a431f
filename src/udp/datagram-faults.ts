import type { Endpoint } from './datagram-socket.ts';

/** Direction of a datagram: `in` = from the client, `out` = to the client. */
export type DatagramDirection = 'in' | 'out';

/** One datagram: `buffer[offset, offset + length)`. The memory is valid during the call, and may be changed in place. */
export interface PassingDatagram {
  readonly direction: DatagramDirection;
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  /** The client's endpoint. A gate may replace it. */
  remote: Endpoint;
  /** Short id of its session, if known. */
  readonly session: string | undefined;
}

/** What a gate can do with its connection to the network. */
export interface DatagramPlace {
  /** Delivers a datagram later, or once more. */
  later(direction: DatagramDirection, bytes: Buffer, remote: Endpoint): void;
  /** An endpoint that datagrams can be sent to. */
  endpoint(address: string, port: number): Endpoint;
  /** Reports to the sender of an IP packet that it exceeds the MTU of the path. Omitted if there is no sender to report to. */
  tooBig?(datagram: PassingDatagram, mtu: number): void;
}

/** Decides what happens to datagrams. */
export interface DatagramGate {
  /** True: the datagram is passed on at once, with the content and `remote` that it has after the call. False: it is not. */
  pass(datagram: PassingDatagram, place: DatagramPlace): boolean;
}

/** Where a socket looks for the gate. Without one, this costs one comparison. */
export interface DatagramFaults {
  readonly datagrams?: DatagramGate | undefined;
}
