import type { DatagramFaults } from '../udp/datagram-faults.ts';

/** What to do with a TCP connection at one of its turning points. */
export type StreamFault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }
  | { readonly kind: 'stall'; readonly milliseconds: number };

/** Where control decisions are taken that a fault may overrule. */
export type DecisionPoint = 'authenticate' | 'connect' | 'resource' | 'dns' | 'token';

/** Overrules a decision: the caller refuses as it would by itself, with this explanation. */
export interface DecisionFault {
  readonly kind: 'refuse';
  readonly explanation: string;
}

/**
 * The seams at which faults are injected. Every method is optional; a seam without one costs a single comparison.
 * Undefined means: no fault, go on.
 */
export interface FaultPorts extends DatagramFaults {
  stream?(point: 'accept' | 'tls' | 'connect' | 'data', session: string | undefined): StreamFault | undefined;
  decision?(point: DecisionPoint, facts: Readonly<Record<string, unknown>>): DecisionFault | undefined;
}

/** No faults at all. */
export const noFaults: FaultPorts = Object.freeze({});
