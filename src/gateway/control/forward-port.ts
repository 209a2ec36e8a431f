import type { Duplex } from 'node:stream';
import type { Person } from '../../lib/person.ts';
import type { SessionInfo } from '../session/types.ts';

/** A CONNECT for a resource by an authenticated client. */
export interface ForwardRequest {
  /** An address in canonical form, or a name in lower case. */
  readonly host: string;
  readonly port: number;
  readonly person: Person;
  /** The session of the cookie; undefined for a token. */
  readonly session: SessionInfo | undefined;
  readonly source: { readonly address: string; readonly port: number };
  /** The client's trace id (W3C Trace Context), if it sent one. */
  readonly trace: string | undefined;
}

/** Why a CONNECT was refused, as decided by the access policy. */
export interface ForwardRefusal {
  readonly kind: 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy';
  readonly explanation: string;
  readonly rule: string;
  /** Id of the request in the journal. */
  readonly request: string;
}

/** The waiting client of a CONNECT. Exactly one of the two functions is called, once; after the client has gone they do nothing. */
export interface ForwardClient {
  accept(): { readonly stream: Duplex; bytes(): { readonly bytesIn: number; readonly bytesOut: number } };
  refuse(refusal: ForwardRefusal): void;
}

/** Forwards a CONNECT to its resource. Returns a function to call when the client disconnects before the answer. */
export type ForwardPort = (request: ForwardRequest, client: ForwardClient) => () => void;
