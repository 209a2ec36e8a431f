/** `in`: from the other side; `out`: to it. */
export type StreamDirection = 'in' | 'out';

/** What stands on purpose between a connection and its socket: it keeps bytes, cuts them, loses them. */
export interface StreamGate {
  /** Bytes came from the socket, or are to go to it. They are the gate's from now on. */
  take(direction: StreamDirection, bytes: Buffer): void;
  /** No more will come in that direction. */
  end(direction: StreamDirection): void;
  /** Bytes that wait here for the socket; Infinity: no more may come. */
  readonly queued: number;
  /** The connection is given up on our side. True: the socket is kept until what is here has gone. */
  linger(): boolean;
  /** The socket is gone. */
  gone(): void;
}

/** A connection with its socket, as a gate sees it. */
export interface StreamPlace {
  /** Has everything pass a gate from now on; undefined: none. */
  useGate(gate: StreamGate | undefined): void;
  /** Bytes go on: `in` to TLS, `out` to the socket. */
  pass(direction: StreamDirection, bytes: Buffer): void;
  /** The end of a direction goes on. */
  finish(direction: StreamDirection): void;
  /** Whether the socket is read, as far as the gate has a say. */
  readOn(wanted: boolean): void;
  /** There is room for more that goes to the socket. */
  drained(): void;
  /** Closes a socket that was kept. */
  dropSocket(): void;
}
