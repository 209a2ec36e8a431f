import type { CappedVersion, CertificateFlaw } from '../config/fault-tls.ts';
import type { AnswerOnPurpose, Person } from '../lib/person.ts';
import type { StreamPlace } from '../tls/stream-gate.ts';
import type { DatagramGate } from '../udp/index.ts';

/** A fault for a session, or for a TCP connection at one of its state changes. */
export type StreamFault =
  | { readonly kind: 'reset' }
  | { readonly kind: 'close' }
  /** DPD requests of the client get no answer. */
  | { readonly kind: 'dpd_mute' }
  /** The session ends, must renew its keys, or loses its cookie. */
  | { readonly kind: 'terminate' | 'rekey_now' | 'cookie_expire'; readonly explanation: string }
  /** The client's address gets points; undefined: enough for a ban. */
  | { readonly kind: 'ban'; readonly points: number | undefined }
  /** Nothing is read until the function passed to `until` is called. */
  | { readonly kind: 'stall'; readonly until: (go: () => void) => void };

/** A fault for a request to the built-in Entra ID. */
export interface HttpFault {
  readonly status?: number;
  /** Seconds. */
  readonly retryAfter?: number;
  /** Milliseconds. */
  readonly delay?: number;
  readonly body?: string;
  /** AADSTS number of the error document to return. */
  readonly aadsts?: number;
  /** Close the connection without an answer. */
  readonly drop?: boolean;
}

/** A client reconnects with the cookie of its session, possibly to renew its keys. */
export type ReturnPoint = 'cookie' | 'rekey';

/** A state change of a TCP connection or its session. */
export type StreamPoint = 'accept' | 'tls' | 'authenticate' | ReturnPoint | 'connect' | 'session' | 'traffic' | 'dpd';

/** What is known about the client or session concerned. */
export interface FaultFacts {
  readonly session?: string | undefined;
  readonly person?: Person | undefined;
  /** Requested host name or address. */
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  /** Claims of the token in a login. */
  readonly claims?: Readonly<Record<string, unknown>> | undefined;
  /** The client's endpoint of the outer connection. */
  readonly remote?: { readonly address: string; readonly key: string } | undefined;
}

/** Decisions that a fault may override. */
export type DecisionPoint = 'authenticate' | 'connect' | ReturnPoint;

/** Overrides a decision: the caller refuses as usual, with this explanation. */
export interface DecisionFault {
  readonly kind: 'refuse';
  readonly explanation: string;
}

/** A TCP connection with what is currently known about it. The object stays the same for the life of the connection. */
export interface TcpConnection {
  /** Its stage: `handshake`, `request` or `tunnel`. */
  readonly kind: string;
  readonly session: string | undefined;
  readonly person: Person | undefined;
  /** The client's endpoint. */
  readonly remote: { readonly address: string; readonly key: string };
  readonly place: StreamPlace;
  /** Ends the connection for a fault; `close` sends pending data first. */
  end(how: 'close' | 'reset', why: string): void;
}

/** A fault for a TLS handshake. */
export interface HandshakeFault {
  readonly flaw?: CertificateFlaw | undefined;
  readonly maxVersion?: CappedVersion | undefined;
}

/** Faults for the bytes of TCP connections. */
export interface TcpFaults {
  /** Call when a connection was accepted or more is known about it. */
  look(connection: TcpConnection): void;
  /** Closes sockets that still wait for their last bytes although their connections have ended. */
  abandon(): void;
}

/** A mock HTTP service, a mock service with another protocol, or a real host. */
export type ResourceKind = 'http' | 'service' | 'upstream';

export interface ResourceFacts extends FaultFacts {
  readonly protocol: 'tcp' | 'udp' | 'icmp' | 'http-connect';
  /** Undefined when the policy denies access. */
  readonly target: ResourceKind | undefined;
}

/** A fault for a request for a resource. */
export type ResourceFault =
  | {
      readonly kind: 'refuse';
      /** TCP RST or ICMP port unreachable, ICMP host unreachable, or no answer. */
      readonly answer: 'reset' | 'host-unreachable' | 'drop';
      readonly explanation: string;
    }
  | ({ readonly kind: 'shape' } & ResourceShape);

/** Faults for an accepted connection to a resource. */
export interface ResourceShape {
  /** Milliseconds until the connection is accepted. */
  readonly delay?: number;
  /** Kilobits per second, in each direction. */
  readonly kbps?: number;
  /** Additional delay of each piece of data in milliseconds, including random jitter. */
  readonly latency?: () => number;
  /** Number of bytes to the client after which the connection is reset. */
  readonly resetAfter?: number;
  /** Status of each HTTP answer, and seconds for its `Retry-After`. */
  readonly answer?: AnswerOnPurpose;
}

export interface DnsFacts extends FaultFacts {
  /** Requested record type. */
  readonly type: string;
}

/** A fault for a query to the tunnel's resolver. */
export interface DnsFault {
  readonly kind: 'nxdomain' | 'servfail' | 'refused' | 'truncate' | 'wrong_address' | 'drop' | 'delay';
  readonly addresses?: readonly string[];
  /** Milliseconds. */
  readonly delay?: number;
  readonly explanation: string;
}

/** Access to the gateway's sessions for faults. */
export interface FaultedSessions {
  personOf(session: string): Person | undefined;
  /** Sessions with a valid cookie, with or without a tunnel. */
  list(): Iterable<FaultFacts & { readonly session: string; readonly connected: boolean }>;
  /** Applies a fault to one of them at once. */
  inject(session: string, fault: StreamFault): void;
}

/**
 * The seams at which faults are injected. A seam without faults costs a single comparison. Undefined means no fault.
 */
export interface FaultPorts {
  /** Faults for datagrams on the wire. */
  readonly datagrams?: DatagramGate | undefined;
  /** Faults for packets of the data channel, before encryption and after decryption. */
  readonly packets?: DatagramGate | undefined;
  /** Whether the UDP port must be closed. */
  readonly udpShut?: boolean | undefined;
  readonly tcp?: TcpFaults | undefined;
  /** Faults for IP packets in the tunnel. */
  readonly ipPackets?: DatagramGate | undefined;
  /** Called with each request to an endpoint of the built-in Entra ID. */
  readonly http?: ((endpoint: string) => HttpFault | undefined) | undefined;
  readonly stream?: ((point: StreamPoint, facts: FaultFacts) => StreamFault | undefined) | undefined;
  /** Called before a TLS handshake, when only the client's address is known. */
  readonly handshake?: ((facts: Pick<FaultFacts, 'remote'>) => HandshakeFault | undefined) | undefined;
  readonly decision?: ((point: DecisionPoint, facts: FaultFacts) => DecisionFault | undefined) | undefined;
  readonly resource?: ((facts: ResourceFacts) => ResourceFault | undefined) | undefined;
  /** Called with each DNS query. */
  readonly dns?: ((facts: DnsFacts) => DnsFault | undefined) | undefined;
}

/** No faults at all. */
export const noFaults: FaultPorts = Object.freeze({});
