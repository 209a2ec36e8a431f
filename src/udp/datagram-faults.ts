import type { Endpoint } from './datagram-socket.ts';

/** Which way a datagram travels: `in` = from the client, `out` = to the client. */
export type DatagramDirection = 'in' | 'out';

/** One datagram on its way: `buffer[offset, offset + length)`. The memory is good during the call, and may be changed in place. */
export interface PassingDatagram {
  readonly direction: DatagramDirection;
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
  /** The client's end. A gate may name another in its place. */
  remote: Endpoint;
  /** Short id of its session, where it is known already. */
  readonly session: string | undefined;
}

/** What a gate can ask of the place that it stands at. */
export interface DatagramPlace {
  /** Has a datagram go on later than it came, or once more. */
  later(direction: DatagramDirection, bytes: Buffer, remote: Endpoint): void;
  /** An endpoint that datagrams can be sent to. */
  endpoint(address: string, port: number): Endpoint;
  /** Tells the sender of an IP packet that it has more bytes than the way takes. Left out where nobody can be told. */
  tooBig?(datagram: PassingDatagram, mtu: number): void;
}

/** Who decides what happens to datagrams. */
export interface DatagramGate {
  /** True: it goes on at once, as the memory is then and to or from `remote` as it is then. False: it does not. */
  pass(datagram: PassingDatagram, place: DatagramPlace): boolean;
}

/** Where a socket finds the gate. Looking costs one comparison while there is none. */
export interface DatagramFaults {
  readonly datagrams?: DatagramGate | undefined;
}
