import type { CappedVersion, CertificateFlaw } from '../config/fault-tls.ts';
import type { AnswerOnPurpose, Person } from '../lib/person.ts';
import type { StreamPlace } from '../tls/stream-gate.ts';
import type { DatagramGate } from '../udp/index.ts';

/** What to do with a session, or with a TCP connection at one of its turning points. */
export type StreamFault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }
  /** The client's question gets no answer. */
  | { readonly kind: 'dpd_mute' }
  /** The session ends, has to renew its keys, or loses its cookie. */
  | { readonly kind: 'terminate' | 'rekey_now' | 'cookie_expire'; readonly explanation: string }
  /** The client's address gets points; undefined: as many as bring a ban. */
  | { readonly kind: 'ban'; readonly points: number | undefined }
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
  /** AADSTS number, whose error document is the answer. */
  readonly aadsts?: number;
  /** Close the connection without an answer. */
  readonly drop?: boolean;
}

/** A client comes back with the cookie of its session, which it may do to have its keys renewed. */
export type ReturnPoint = 'cookie' | 'rekey';

/** A turning point of a TCP connection, or a moment of its session. */
export type StreamPoint = 'accept' | 'tls' | 'authenticate' | ReturnPoint | 'connect' | 'session' | 'traffic' | 'dpd';

/** What is known of who is concerned. */
export interface FaultFacts {
  readonly session?: string | undefined;
  readonly person?: Person | undefined;
  /** Host name, or address, that is asked for. */
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  /** What the token says whose login is judged. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** The client's end of the outer connection. */
  readonly remote?: { readonly address: string; readonly key: string } | undefined;
}

/** Where control decisions are taken that a fault may overrule. */
export type DecisionPoint = 'authenticate' | 'connect' | ReturnPoint;

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

/** How a TLS handshake goes wrong. */
export interface HandshakeFault {
  readonly flaw?: CertificateFlaw | undefined;
  readonly maxVersion?: CappedVersion | undefined;
}

/** What is done to the bytes of TCP connections. */
export interface TcpFaults {
  /** A connection has come, or more is known of it. */
  look(connection: TcpConnection): void;
  /** Closes the sockets that wait for their last bytes, of connections that are gone otherwise. */
  abandon(): void;
}

/** A mock service that speaks HTTP, one that speaks something else, or a real host. */
export type ResourceKind = 'http' | 'service' | 'upstream';

export interface ResourceFacts extends FaultFacts {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'http-connect';
  /** Undefined: the policy denies it. */
  readonly target: ResourceKind | undefined;
}

/** What happens to a request for a resource. */
export type ResourceFault =
  | {
      readonly kind: 'refuse';
      /** TCP RST or ICMP port unreachable, ICMP host unreachable, or silence. */
      readonly answer: 'reset' | 'host-unreachable' | 'drop';
      readonly explanation: string;
    }
  | ({ readonly kind: 'shape' } & ResourceShape);

/** How a connection to a resource differs from what it would be. */
export interface ResourceShape {
  /** Milliseconds until it is accepted. */
  readonly delay?: number;
  /** Thousand bits per second, in each direction. */
  readonly kbps?: number;
  /** Milliseconds that each piece of data is on its way beside that, up to so many more by chance. */
  readonly latency?: () => number;
  /** It is reset after so many bytes to the client. */
  readonly resetAfter?: number;
  /** Status of each answer over HTTP, and seconds of its `Retry-After`. */
  readonly answer?: AnswerOnPurpose;
}

export interface DnsFacts extends FaultFacts {
  /** Type of the records that are asked for. */
  readonly type: string;
}

/** What happens to a question to the tunnel's resolver. */
export interface DnsFault {
  readonly kind: 'nxdomain' | 'servfail' | 'refused' | 'truncate' | 'wrong_address' | 'drop' | 'delay';
  readonly addresses?: readonly string[];
  /** Milliseconds. */
  readonly delay?: number;
  readonly explanation: string;
}

/** The gateway's sessions, as faults reach them. */
export interface FaultedSessions {
  personOf(session: string): Person | undefined;
  /** Those whose cookie is good, with or without a tunnel. */
  list(): Iterable<FaultFacts & { readonly session: string; readonly connected: boolean }>;
  /** Does something to one of them, now. */
  inject(session: string, fault: StreamFault): void;
}

/**
 * The seams at which faults are injected. A seam without faults costs a single comparison. Undefined means: no fault, go on.
 */
export interface FaultPorts {
  /** What is done to datagrams on the wire. */
  readonly datagrams?: DatagramGate | undefined;
  /** What is done to packets of the data channel, before encryption and after decryption. */
  readonly packets?: DatagramGate | undefined;
  /** The UDP port has to be closed. */
  readonly udpShut?: boolean | undefined;
  readonly tcp?: TcpFaults | undefined;
  /** What is done to IP packets in the tunnel. */
  readonly ipPackets?: DatagramGate | undefined;
  /** A request to an endpoint of the built-in Entra ID has come. */
  readonly http?: ((endpoint: string) => HttpFault | undefined) | undefined;
  readonly stream?: ((point: StreamPoint, facts: FaultFacts) => StreamFault | undefined) | undefined;
  /** Before a TLS handshake, when only the client's address is known. */
  readonly handshake?: ((facts: Pick<FaultFacts, 'remote'>) => HandshakeFault | undefined) | undefined;
  readonly decision?: ((point: DecisionPoint, facts: FaultFacts) => DecisionFault | undefined) | undefined;
  readonly resource?: ((facts: ResourceFacts) => ResourceFault | undefined) | undefined;
  /** A name is asked for. */
  readonly dns?: ((facts: DnsFacts) => DnsFault | undefined) | undefined;
}

/** No faults at all. */
export const noFaults: FaultPorts = Object.freeze({});
