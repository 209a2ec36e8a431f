import type { Duplex } from 'node:stream';

/** Who reached a service, and how: what the service shows and logs. */
export interface Visitor {
  readonly user: string | undefined;
  /** What people call the user; only for showing. */
  readonly signInName: string | undefined;
  readonly session: string | undefined;
  readonly tenantId: string | undefined;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** A mock service takes byte streams, or answers datagrams; it never opens a socket. */
export interface StreamService {
  readonly name: string;
  /** Serves one connection. Owns the stream from here on. */
  open(stream: Duplex, visitor: Visitor): void;
  close(): Promise<void>;
}

/** Answers one datagram; undefined = no answer. */
export interface DatagramService {
  readonly name: string;
  answer(payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined>;
}

/** A host of the mock on-premises network. */
export interface OnPremisesHost {
  /** Fully qualified names, the first being canonical. */
  readonly names: readonly string[];
  readonly addresses: readonly string[];
  /** Service names by TCP port. */
  readonly tcp: Readonly<Record<number, string>>;
  /** Service names by UDP port. */
  readonly udp: Readonly<Record<number, string>>;
}
