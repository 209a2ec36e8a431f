import type { Duplex } from 'node:stream';
import type { ResourceShape } from '../faults/ports.ts';
import type { Requester, Visitor } from '../lib/person.ts';
import type { TcpStream } from '../network/index.ts';

/** What a request is carried by. */
export type ResourceProtocol = 'tcp' | 'udp' | 'icmp';

/** The way that a request came: by one of a tunnel's channels, by HTTP CONNECT on the gateway's TLS port, or by the HTTP proxy. */
export type RequestChannel = 'cstp' | 'dtls' | 'http-connect' | 'http-proxy';

/** One end of what is asked for. */
export interface RequestEnd {
  /** As the stack writes it: of each address one spelling. */
  readonly address: string;
  /** 0 where the protocol has none. */
  readonly port: number;
}

/**
 * One attempt to reach a resource: a TCP SYN, the first UDP datagram or the first ping in the tunnel, an HTTP CONNECT, a request to the HTTP
 * proxy. Each gets one decision, and one journal entry that says everything about it when it is over (`resource.end`).
 */
export interface ConnectRequest {
  /** `r1`, `r2` and so on. */
  readonly id: string;
  /** 32 hexadecimal digits: the trace id of W3C Trace Context, the client's own where it sent one. */
  readonly trace: string;
  readonly protocol: ResourceProtocol;
  readonly channel: RequestChannel;
  readonly requester: Requester;
  readonly source: RequestEnd;
  readonly destination: RequestEnd & {
    /** The name to show: the first of `names`. */
    readonly host: string | undefined;
    /** All names of the host at this address, as DNS or the client told them. */
    readonly names: readonly string[];
    /** The address stands for a name, and rules by address are not about it. */
    readonly isVirtual: boolean;
  };
}

/** What whoever takes in a request knows of it. */
export interface AskedFor {
  readonly protocol: ResourceProtocol;
  readonly channel: RequestChannel;
  readonly requester: Requester;
  readonly source: RequestEnd;
  readonly destination: RequestEnd;
  /** What the client called the destination, where it did: what is shown of one that has no name here. */
  readonly name?: string | undefined;
  /** The client's own trace id, if it has sent one. */
  readonly trace?: string | undefined;
}

/** What addresses in the tunnel are called. */
export interface AddressNames {
  /** All names of an address, the one to show first; empty = it has none. */
  namesOf(address: string): readonly string[];
  /** Whether the address can stand for a name, and for nothing else. */
  isVirtual(address: string): boolean;
  /** A flow of the session goes to this address, which keeps its name until the returned function is called. */
  keep(address: string, session: string | undefined): () => void;
}

/** Where an allowed request goes: into a mock service, over a real socket to a configured upstream, or back, as the echo of a ping. */
export type ResourceTarget =
  | { readonly kind: 'service'; readonly service: string }
  /** `id` is that of the rule; `host` is an address, or a name for the resolver of this machine. */
  | {
      readonly kind: 'upstream';
      readonly id: string;
      readonly host: string;
      readonly port: number;
      /** The name may lead to this machine, or to a link-local address. */
      readonly local?: boolean | undefined;
      /** Who answers in this process; nothing is dialled then. */
      readonly here?: ((stream: TcpStream) => void) | undefined;
    }
  | { readonly kind: 'echo' };

/** How a refused request is answered: TCP RST or ICMP port unreachable, ICMP prohibited, ICMP host unreachable, nothing. */
export type RefusalAnswer = 'reset' | 'prohibited' | 'host-unreachable' | 'drop';

/** The one decision on a request, with the rule that made it and words for the person who reads the journal. */
export type Decision =
  | {
      readonly allow: true;
      readonly rule: string;
      readonly explanation: string;
      readonly target: ResourceTarget;
      /** What a fault rule does to the connection. */
      readonly shape?: ResourceShape;
    }
  | { readonly allow: false; readonly rule: string; readonly explanation: string; readonly answer: RefusalAnswer };

/** A policy decides once per request, without side effects. */
export type Policy = (request: ConnectRequest) => Decision;

/**
 * Why a stream is not opened. `denied`: the policy says no; `refused`: the resource does; `unreachable`: it is not there; `timeout`: it does
 * not answer; `busy`: the session has its share of what there is.
 */
export type RefusalKind = 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy';

/** How a stream is turned down, in the terms of the tunnel and in words for whoever can be told. */
export interface Refusal {
  readonly kind: RefusalKind;
  /** What a SYN in the tunnel gets. */
  readonly answer: RefusalAnswer;
  /** The rule that decided. */
  readonly rule: string;
  readonly explanation: string;
  /** `r1`, as in the journal. */
  readonly request: string;
}

/** A client's end of a stream that has been accepted. */
export interface AcceptedStream {
  readonly stream: Duplex;
  /** Bytes from the client, and to it, so far. */
  bytes(): { readonly bytesIn: number; readonly bytesOut: number };
  /** What is left of it when the resource has closed its side and the client has not; undefined: then nothing is. */
  readonly rest?: StreamRest;
}

/** A connection that the resource is done with: its last bytes, and the client's end. */
export interface StreamRest {
  /** Calls back, after whatever is under way, when the connection is over: with an error if the client did not get to its end. */
  whenOver(callback: (error: Error | undefined) => void): void;
  /** Ends it by RST. */
  reset(): void;
}

/** A stream that waits for its answer: a SYN in the tunnel, a CONNECT on the TLS port or at the proxy. One of the two is called, once. */
export interface PendingStream {
  /** Whose share of the sockets to upstreams it takes. */
  readonly owner: object | undefined;
  /** The resource has answered. */
  accept(): AcceptedStream;
  refuse(refusal: Refusal): void;
}

/** Where allowed requests for mock services go. The simulator fills it with the mock network and the resolver. */
export interface ServiceHandlers {
  stream(service: string): { open(stream: Duplex, visitor: Visitor): void } | undefined;
  datagram(
    service: string,
  ): { answer(payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined> } | undefined;
}

/** Sees the bytes between a client and an upstream, beside their way. It changes none of them, and keeps none of the memory that they are in. */
export interface ConnectionWatch {
  /** It has seen enough. */
  readonly over: boolean;
  fromClient(bytes: Buffer): void;
  fromServer(bytes: Buffer): void;
  /** The upstream has ended its side. */
  serverEnded(): void;
  /** One of both is gone. */
  close(): void;
}
