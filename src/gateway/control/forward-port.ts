import type { Duplex } from 'node:stream';
import type { Person } from '../../lib/person.ts';
import type { SessionInfo } from '../session/types.ts';

/** A CONNECT for a resource, by somebody who has shown who it is. */
export interface ForwardRequest {
  /** An address in its one spelling, or a name in lower case. */
  readonly host: string;
  readonly port: number;
  readonly person: Person;
  /** The session whose cookie was shown; undefined where it was a token. */
  readonly session: SessionInfo | undefined;
  readonly source: { readonly address: string; readonly port: number };
  /** The client's trace id (W3C Trace Context), if it sent one. */
  readonly trace: string | undefined;
}

/** Why a CONNECT leads nowhere, in the terms of whoever decides on requests. */
export interface ForwardRefusal {
  readonly kind: 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy';
  readonly explanation: string;
  readonly rule: string;
  /** Id of the request in the journal. */
  readonly request: string;
}

/** The client of a CONNECT, which waits. One of the two is called, once; after the client has gone neither does anything. */
export interface ForwardClient {
  accept(): { readonly stream: Duplex; bytes(): { readonly bytesIn: number; readonly bytesOut: number } };
  refuse(refusal: ForwardRefusal): void;
}

/** The way of a CONNECT to its resource. Returns what is to be called when the client has gone before it was answered. */
export type ForwardPort = (request: ForwardRequest, client: ForwardClient) => () => void;
