import type { Duplex } from 'node:stream';
import type { SecureContext } from 'node:tls';

/** A connection to open. */
export interface OpenRequest {
  /** A name or an address. */
  readonly host: string;
  readonly port: number;
  /** Aborts, and closes the connection if it opens later. */
  readonly signal?: AbortSignal | undefined;
  /** The URL, for a web request: the rules of a proxy may depend on it. */
  readonly url?: URL | undefined;
}

/** Opens a TCP connection. @throws TunneliteError */
export type OpenStream = (request: OpenRequest) => Promise<Duplex>;

/** The CAs that TLS to resources trusts by default: created on first use. */
export type ResourceTrust = () => SecureContext;
