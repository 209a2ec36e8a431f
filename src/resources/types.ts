import type { Duplex } from 'node:stream';

/** Who asks, when it is known: the session behind the source address. */
export interface Requester {
  readonly session: string | undefined;
  readonly user: string | undefined;
  /** What people call the user; only for showing. */
  readonly signInName: string | undefined;
  readonly tenantId: string | undefined;
}

/** One attempt to reach a resource: a TCP SYN or a first UDP datagram in the tunnel, or an HTTP CONNECT. */
export interface ConnectRequest {
  readonly id: string;
  readonly protocol: 'tcp' | 'udp' | 'http-connect';
  readonly requester: Requester;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: {
    readonly address: string;
    /** The name that the address was resolved from, or that the request gave. */
    readonly host: string | undefined;
    readonly port: number;
  };
}

/** Where an allowed request goes: into a mock service, or over a real socket to a configured upstream. */
export type ResourceTarget =
  | { readonly kind: 'service'; readonly service: string }
  | { readonly kind: 'upstream'; readonly host: string; readonly port: number };

/** How a refused request is answered: TCP RST or ICMP port unreachable, ICMP prohibited, ICMP host unreachable, nothing. */
export type RefusalAnswer = 'reset' | 'prohibited' | 'host-unreachable' | 'drop';

/** The one decision on a request, with the rule that made it and words for the person who reads the journal. */
export type Decision =
  | { readonly allow: true; readonly rule: string; readonly explanation: string; readonly target: ResourceTarget }
  | { readonly allow: false; readonly rule: string; readonly explanation: string; readonly answer: RefusalAnswer };

/** A policy decides once per request, without side effects. */
export type Policy = (request: ConnectRequest) => Decision;

/** What a service behind the policy is told of its visitor. */
export interface ResourceVisitor {
  readonly user: string | undefined;
  readonly signInName: string | undefined;
  readonly session: string | undefined;
  readonly tenantId: string | undefined;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly destinationAddress: string;
  readonly destinationPort: number;
}

/** Where allowed requests for mock services go. The simulator fills it with the mock network and the resolver. */
export interface ServiceHandlers {
  stream(service: string): { open(stream: Duplex, visitor: ResourceVisitor): void } | undefined;
  datagram(
    service: string,
  ):
    | { answer(payload: Buffer, visitor: ResourceVisitor): Buffer | undefined | Promise<Buffer | undefined> }
    | undefined;
}
