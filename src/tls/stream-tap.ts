import type { StreamDirection } from './stream-gate.ts';

/** Observes the bytes of a connection as they are on the network. */
export interface StreamTap {
  /** The memory is valid only during the call. */
  bytes(direction: StreamDirection, chunk: Buffer): void;
  /** No more bytes follow in that direction. */
  end(direction: StreamDirection): void;
  /** The connection is closed. */
  gone(): void;
}
