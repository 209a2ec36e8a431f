import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';

/** A connection that is wanted. */
export interface OpenRequest {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Gives up, and closes the connection once it is open. */
  readonly signal?: AbortSignal | undefined;
  /** What it is opened for, where that is a web request: the rules of a proxy may go by it. */
  readonly url?: URL | undefined;
}

/** Opens a TCP connection. @throws TunneliteError */
export type OpenStream = (request: OpenRequest) => Promise<Duplex>;

/** Whom TLS to a resource trusts, where the caller names nobody: made when it is first asked for. */
export type ResourceTrust = () => SecureContext;
