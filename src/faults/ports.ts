import type { Person } from '../lib/person.ts';
import type { StreamPlace } from '../tls/stream-gate.ts';
import type { DatagramGate } from '../udp/index.ts';

/** What to do with a TCP connection at one of its turning points. */
export type StreamFault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }
  /** The session ends, or has to renew its keys. */
  | { readonly kind: 'terminate' | 'rekey_now'; readonly explanation: string }
  /** Nothing is read until the function that is handed over is called. */
  | { readonly kind: 'stall'; readonly until: (go: () => void) => void };

/** What happens to a request to the built-in Entra ID. */
export interface HttpFault {
  readonly status?: number;
  /** Seconds. */
  readonly retryAfter?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly body?: string;
  /** Close the connection without an answer. */
  readonly drop?: boolean;
}

/** A turning point of a TCP connection. */
export type StreamPoint = 'accept' | 'tls' | 'connect' | 'traffic';

/** What is known of who is concerned. */
export interface FaultFacts {
  readonly session?: string | undefined;
  readonly person?: Person | undefined;
  /** Host name, or address, that is asked for. */
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  /** The client's end of the outer connection. */
  readonly remote?: { readonly address: string; readonly key: string } | undefined;
}

/** Where control decisions are taken that a fault may overrule. */
export type DecisionPoint = 'authenticate' | 'connect' | 'cookie' | 'resource' | 'dns';

/** Overrules a decision: the caller refuses as it would by itself, with this explanation. */
export interface DecisionFault {
  readonly kind: 'refuse';
  readonly explanation: string;
}

/** A TCP connection, as far as it is known now. The same object for as long as it is there. */
export interface TcpConnection {
  /** How far it has come: `handshake`, `request` or `tunnel`. */
  readonly kind: string;
  readonly session: string | undefined;
  readonly person: Person | undefined;
  /** The client's end. */
  readonly remote: { readonly address: string; readonly key: string };
  readonly place: StreamPlace;
  /** Ends it on purpose; `close` sends what was written before. */
  end(how: 'close' | 'reset', why: string): void;
}

/** What is done to the bytes of TCP connections. */
export interface TcpFaults {
  /** A connection has come, or more is known of it. */
  look(connection: TcpConnection): void;
  /** Closes the sockets that wait for their last bytes, of connections that are gone otherwise. */
  abandon(): void;
}

/**
 * The seams at which faults are injected. A seam without faults costs a single comparison. Undefined means: no fault, go on.
 */
export interface FaultPorts {
  /** What is done to datagrams on the wire. */
  readonly datagrams?: DatagramGate | undefined;
  /** What is done to packets of the data channel, before encryption and after decryption. */
  readonly packets?: DatagramGate | undefined;
  readonly tcp?: TcpFaults | undefined;
  /** A request to an endpoint of the built-in Entra ID has come. */
  readonly http?: ((endpoint: string) => HttpFault | undefined) | undefined;
  readonly stream?: ((point: StreamPoint, facts: FaultFacts) => StreamFault | undefined) | undefined;
  readonly decision?: ((point: DecisionPoint, facts: FaultFacts) => DecisionFault | undefined) | undefined;
}

/** No faults at all. */
export const noFaults: FaultPorts = Object.freeze({});
