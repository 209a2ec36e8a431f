import type { Duplex } from 'node:stream';
import type { Visitor } from '../lib/person.ts';

/** A mock service accepts byte streams, or responds to datagrams; it never opens a socket. */
export interface StreamService {
  readonly name: string;
  /** Serves one connection. Owns the stream from here on. */
  open(stream: Duplex, visitor: Visitor): void;
  close(): Promise<void>;
}

/** Responds to one datagram; undefined = no response. */
export interface DatagramService {
  readonly name: string;
  answer(payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined>;
}

/** A host of the mock on-premises network. */
export interface OnPremisesHost {
  /** Fully qualified names; the first is canonical. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** Service names by TCP port. */
  readonly tcp: Readonly<Record<number, string>>;
  /** Service names by UDP port. */
  readonly udp: Readonly<Record<number, string>>;
  /** Behavior of other ports: refused (default), or no response. */
  readonly closedPorts?: 'refuse' | 'drop';
}
