import type { Duplex } from 'node:stream';
import type { Requester, Visitor } from '../lib/person.ts';

/** One attempt to reach a resource: a TCP SYN or a first UDP datagram in the tunnel, or an HTTP CONNECT. */
export interface ConnectRequest {
  readonly id: string;
  readonly protocol: 'tcp' | 'udp' | 'http-connect';
  readonly requester: Requester;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: {
    /** As the stack writes it: of each address one spelling. */
    readonly address: string;
    /** The name to show: the first of `names`. */
    readonly host: string | undefined;
    /** All names of the host at this address. */
    readonly names: readonly string[];
    /** The address stands for a name, and rules by address are not about it. */
    readonly isVirtual: boolean;
    readonly port: number;
  };
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

/** Where an allowed request goes: into a mock service, or over a real socket to a configured upstream. */
export type ResourceTarget =
  | { readonly kind: 'service'; readonly service: string }
  /** `id` is that of the rule; `host` is an address, or a name for the resolver of this machine. */
  | { readonly kind: 'upstream'; readonly id: string; readonly host: string; readonly port: number };

/** How a refused request is answered: TCP RST or ICMP port unreachable, ICMP prohibited, ICMP host unreachable, nothing. */
export type RefusalAnswer = 'reset' | 'prohibited' | 'host-unreachable' | 'drop';

/** The one decision on a request, with the rule that made it and words for the person who reads the journal. */
export type Decision =
  | { readonly allow: true; readonly rule: string; readonly explanation: string; readonly target: ResourceTarget }
  | { readonly allow: false; readonly rule: string; readonly explanation: string; readonly answer: RefusalAnswer };

/** A policy decides once per request, without side effects. */
export type Policy = (request: ConnectRequest) => Decision;

/** Where allowed requests for mock services go. The simulator fills it with the mock network and the resolver. */
export interface ServiceHandlers {
  stream(service: string): { open(stream: Duplex, visitor: Visitor): void } | undefined;
  datagram(
    service: string,
  ): { answer(payload: Buffer, visitor: Visitor): Buffer | undefined | Promise<Buffer | undefined> } | undefined;
}
