import { hostText } from '../../lib/endpoint.ts';
import { TunneliteError } from '../../lib/errors.ts';

/** Host name, address or bracketed address, and a port: the only valid Host headers (RFC 9110 §7.2). */
const HOST_HEADER = /^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The origins (`https://host:port`) of one identity provider. Clients reach it by several names, and through port mappings
 * that it cannot see. A client rejects metadata with an issuer other than the requested one (OpenID Connect Discovery §4.3), so
 * responses use the origin of the request if its host is one of our own, otherwise the public one.
 */
export class OwnOrigins {
  readonly #hosts: ReadonlySet<string>;
  readonly #configured: string | undefined;
  #local: string | undefined;

  /**
   * @param names our own host names and addresses
   * @param publicOrigin where clients reach the provider by other names; need not be reachable from this machine
   */
  constructor(names: readonly string[], publicOrigin: string | undefined) {
    const hosts = names.map((name) => new URL(`https://${hostText(name)}`).hostname);
    this.#hosts = new Set(publicOrigin === undefined ? hosts : [...hosts, new URL(publicOrigin).hostname]);
    this.#configured = publicOrigin;
  }

  /** Sets how this machine reaches the provider, once it listens. */
  listensAt(origin: string): void {
    this.#local = origin;
  }

  /** How this machine reaches the provider. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  get local(): string {
    return this.#local ?? this.public;
  }

  /** The origin for callers by a foreign name, or without the network. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  get public(): string {
    const origin = this.#configured ?? this.#local;
    if (origin === undefined) throw new TunneliteError('ERR_IDENTITY_NOT_LISTENING');
    return origin;
  }

  /** The origin for a caller with this Host header. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  originFor(host: string | undefined): string {
    return (host === undefined ? undefined : this.#originOf(host)) ?? this.public;
  }

  /** True if the host is one of our own, at any port. */
  owns(host: string): boolean {
    return this.#originOf(host) !== undefined;
  }

  /** Converts one of our issuers to the name by which this machine reaches it; returns any other string unchanged. */
  localIssuer(issuer: string): string {
    if (this.#configured !== undefined && issuer.startsWith(`${this.#configured}/`)) {
      return this.local + issuer.slice(this.#configured.length);
    }
    const host = /^https:\/\/([^/]*)\//.exec(issuer)?.[1];
    const origin = host === undefined ? undefined : this.#originOf(host);
    // Only our own spelling counts: no capitals, no default port.
    return origin !== undefined && issuer.startsWith(`${origin}/`) ? this.local + issuer.slice(origin.length) : issuer;
  }

  #originOf(host: string): string | undefined {
    const url = HOST_HEADER.test(host) ? URL.parse(`https://${host}`) : null;
    return url && this.#hosts.has(url.hostname) ? url.origin : undefined;
  }
}
