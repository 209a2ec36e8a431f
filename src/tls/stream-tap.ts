import type { StreamDirection } from './stream-gate.ts';

/** Sees the bytes of a connection as they come from the network and go to it. */
export interface StreamTap {
  /** They are good during the call. */
  bytes(direction: StreamDirection, chunk: Buffer): void;
  /** No more will come in that direction. */
  end(direction: StreamDirection): void;
  /** The connection is gone. */
  gone(): void;
}
