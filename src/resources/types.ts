import type { Duplex } from 'node:stream';
import type { ResourceShape } from '../faults/ports.ts';
import type { Requester, Visitor } from '../lib/person.ts';
import type { TcpStream } from '../network/index.ts';

/** Protocol of a request. */
export type ResourceProtocol = 'tcp' | 'udp' | 'icmp';

/** How a request arrived: over one of a tunnel's channels, by HTTP CONNECT on the gateway's TLS port, or through the HTTP proxy. */
export type RequestChannel = 'cstp' | 'dtls' | 'http-connect' | 'http-proxy';

/** One endpoint of a request. */
export interface RequestEnd {
  /** As the stack writes it: one spelling per address. */
  readonly address: string;
  /** 0 if the protocol has no ports. */
  readonly port: number;
}

/**
 * One attempt to reach a resource: a TCP SYN, the first UDP datagram or the first ping in the tunnel, an HTTP CONNECT, a request to the HTTP
 * proxy. Each gets one decision, and one complete journal entry when it is over (`resource.end`).
 */
export interface ConnectRequest {
  /** `r1`, `r2` and so on. */
  readonly id: string;
  /** 32 hexadecimal digits: the trace ID of W3C Trace Context, taken from the client if it sent one. */
  readonly trace: string;
  readonly protocol: ResourceProtocol;
  readonly channel: RequestChannel;
  readonly requester: Requester;
  readonly source: RequestEnd;
  readonly destination: RequestEnd & {
    /** The name to display: the first of `names`. */
    readonly host: string | undefined;
    /** All names of the host at this address, from DNS or the client. */
    readonly names: readonly string[];
    /** True if the address represents a name; then rules by address do not apply. */
    readonly isVirtual: boolean;
  };
}

/** Input for a new request. */
export interface AskedFor {
  readonly protocol: ResourceProtocol;
  readonly channel: RequestChannel;
  readonly requester: Requester;
  readonly source: RequestEnd;
  readonly destination: RequestEnd;
  /** The client's own name for the destination, if any: displayed if it has no name here. */
  readonly name?: string | undefined;
  /** The client's own trace ID, if it sent one. */
  readonly trace?: string | undefined;
}

/** Names of addresses in the tunnel. */
export interface AddressNames {
  /** All names of an address, display name first; empty = none. */
  namesOf(address: string): readonly string[];
  /** Whether the address is reserved for names. */
  isVirtual(address: string): boolean;
  /** A flow of the session uses this address, which keeps its name until the returned function is called. */
  keep(address: string, session: string | undefined): () => void;
}

/** Destination of an allowed request: a mock service, a configured upstream over a real socket, or back to the client, as the echo of a ping. */
export type ResourceTarget =
  | { readonly kind: 'service'; readonly service: string }
  /** `id` identifies the rule; `host` is an address, or a name for this machine's resolver. */
  | {
      readonly kind: 'upstream';
      readonly id: string;
      readonly host: string;
      readonly port: number;
      /** The name may resolve to this machine, or to a link-local address. */
      readonly local?: boolean | undefined;
      /** In-process handler; then nothing is dialed. */
      readonly here?: ((stream: TcpStream) => void) | undefined;
    }
  | { readonly kind: 'echo' };

/** Response to a refused request: TCP RST or ICMP port unreachable, ICMP prohibited, ICMP host unreachable, none. */
export type RefusalAnswer = 'reset' | 'prohibited' | 'host-unreachable' | 'drop';

/** The decision on a request, with its rule and an explanation for the journal. */
export type Decision =
  | {
      readonly allow: true;
      readonly rule: string;
      readonly explanation: string;
      readonly target: ResourceTarget;
      /** The effect of a fault rule on the connection. */
      readonly shape?: ResourceShape;
    }
  | { readonly allow: false; readonly rule: string; readonly explanation: string; readonly answer: RefusalAnswer };

/** A policy decides once per request, without side effects. */
export type Policy = (request: ConnectRequest) => Decision;

/**
 * Why a stream is not opened. `denied`: by policy; `refused`: by the resource; `unreachable`: no route or host; `timeout`: no
 * response; `busy`: the session has used up its share.
 */
export type RefusalKind = 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy';

/** How a stream is refused: the response in the tunnel, and an explanation for clients that can receive one. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** Response to a SYN in the tunnel. */
  readonly answer: RefusalAnswer;
  /** The deciding rule. */
  readonly rule: string;
  readonly explanation: string;
  /** `r1`, as in the journal. */
  readonly request: string;
}

/** The client's end of an accepted stream. */
export interface AcceptedStream {
  readonly stream: Duplex;
  /** Bytes from the client, and to it, so far. */
  bytes(): { readonly bytesIn: number; readonly bytesOut: number };
  /** The remaining connection after the resource has closed its side but the client has not; undefined: none. */
  readonly rest?: StreamRest;
}

/** A connection that the resource has finished: its last bytes, and the client's end. */
export interface StreamRest {
  /** Calls back asynchronously when the connection is over: with an error if it ended early. */
  whenOver(callback: (error: Error | undefined) => void): void;
  /** Ends it with a RST. */
  reset(): void;
}

/** A pending stream: a SYN in the tunnel, a CONNECT on the TLS port or at the proxy. Call one of the two methods, once. */
export interface PendingStream {
  /** The session whose share of upstream sockets it uses. */
  readonly owner: object | undefined;
  /** The resource has responded. */
  accept(): AcceptedStream;
  refuse(refusal: Refusal): void;
}

/** Destinations of allowed requests for mock services. The simulator adds the mock network and the resolver. */
export interface ServiceHandlers {
  stream(service: string): { open(stream: Duplex, visitor: Visitor): void } | undefined;
  datagram(
    service: string,
  ): { answer(payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined> } | undefined;
}
