import type { Duplex } from 'node:stream';

/** Who asks, when it is known: the session behind the source address. */
export interface Requester {
  readonly session: string | undefined;
  readonly user: string | undefined;
  readonly tenantId: string | undefined;
}

/** One attempt to reach a resource: a TCP SYN or first UDP datagram in the tunnel, or an HTTP CONNECT. */
export interface ConnectRequest {
  readonly id: string;
  readonly protocol: 'tcp' | 'udp' | 'http-connect';
  readonly requester: Requester;
  readonly source: { readonly address: string; readonly port: number };
  readonly destination: {
    readonly address: string | undefined;
    readonly host: string | undefined;
    readonly port: number;
  };
}

/** The one decision on a request, with the rule that made it and words for the log. */
export type Decision =
  | { readonly allow: true; readonly rule: string; readonly explanation: string; readonly target: ResourceTarget }
  | {
      readonly allow: false;
      readonly rule: string;
      readonly explanation: string;
      readonly how: 'reset' | 'prohibited' | 'host-unreachable' | 'drop';
    };

/** Where an allowed request goes. */
export type ResourceTarget =
  | { readonly kind: 'service'; readonly name: string; open(stream: Duplex, request: ConnectRequest): void }
  | { readonly kind: 'upstream'; readonly host: string; readonly port: number };
