/** `in`: from the peer; `out`: to the peer. */
export type StreamDirection = 'in' | 'out';

/** Intercepts the bytes between a connection and its socket for faults: holds, splits or drops them. */
export interface StreamGate {
  /** Receives bytes from the socket or for it. The gate owns them from then on. */
  take(direction: StreamDirection, bytes: Buffer): void;
  /** No more bytes follow in that direction. */
  end(direction: StreamDirection): void;
  /** Bytes held for the socket; Infinity: accept no more. */
  readonly queued: number;
  /** The connection is closed on our side. True: keep the socket until all held bytes are sent. */
  linger(): boolean;
  /** The socket has closed. */
  gone(): void;
}

/** A gate's view of a connection with its socket. */
export interface StreamPlace {
  /** Sets the gate for all bytes; undefined: none. */
  useGate(gate: StreamGate | undefined): void;
  /** Passes bytes on: `in` to TLS, `out` to the socket. */
  pass(direction: StreamDirection, bytes: Buffer): void;
  /** Passes on the end of a direction. */
  finish(direction: StreamDirection): void;
  /** Pauses or resumes reading of the socket for the gate. */
  readOn(wanted: boolean): void;
  /** Reports space for more bytes to the socket. */
  drained(): void;
  /** Closes a socket that was kept open. */
  dropSocket(): void;
}
