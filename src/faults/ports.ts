import type { Person } from '../lib/person.ts';
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

/**
 * The seams at which faults are injected. A seam without faults costs a single comparison. Undefined means: no fault, go on.
 */
export interface FaultPorts {
  /** What is done to datagrams on the wire. */
  readonly datagrams?: DatagramGate | undefined;
  /** What is done to packets of the data channel, before encryption and after decryption. */
  readonly packets?: DatagramGate | undefined;
  /** A request to an endpoint of the built-in Entra ID has come. */
  readonly http?: ((endpoint: string) => HttpFault | undefined) | undefined;
  readonly stream?: ((point: StreamPoint, facts: FaultFacts) => StreamFault | undefined) | undefined;
  readonly decision?: ((point: DecisionPoint, facts: FaultFacts) => DecisionFault | undefined) | undefined;
}

/** No faults at all. */
export const noFaults: FaultPorts = Object.freeze({});
