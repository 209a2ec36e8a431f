import { hostText } from '../../lib/endpoint.ts';
import { TunneliteError } from '../../lib/errors.ts';

/** Host name, address or address in brackets, and a port: all that a Host header of a client of ours can be (RFC 9110 §7.2). */
const HOST_HEADER = /^(?:[a-z0-9_.-]{1,253}|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i;

/**
 * The origins (`https://host:port`) of one identity provider. Clients reach it by several names, and through a port mapping at
 * a port that it does not know. A client refuses metadata whose issuer is not what it asked (OpenID Connect Discovery §4.3), so
 * everything in an answer names the origin that its caller used, if the host is one of our own; else the public one.
 */
export class OwnOrigins {
  readonly #hosts: ReadonlySet<string>;
  readonly #configured: string | undefined;
  #local: string | undefined;

  /**
   * @param names host names and addresses that are our own
   * @param publicOrigin where clients reach the provider unless they say otherwise; need not be reachable from here
   */
  constructor(names: readonly string[], publicOrigin: string | undefined) {
    const hosts = names.map((name) => new URL(`https://${hostText(name)}`).hostname);
    this.#hosts = new Set(publicOrigin === undefined ? hosts : [...hosts, new URL(publicOrigin).hostname]);
    this.#configured = publicOrigin;
  }

  /** Once it listens: how this machine reaches it. */
  listensAt(origin: string): void {
    this.#local = origin;
  }

  /** How this machine reaches it. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  get local(): string {
    return this.#local ?? this.public;
  }

  /** What callers by a foreign name, and those who do not come over the network, are told. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  get public(): string {
    const origin = this.#configured ?? this.#local;
    if (origin === undefined) throw new TunneliteError('ERR_IDENTITY_NOT_LISTENING');
    return origin;
  }

  /** What a caller with this Host header is told. @throws TunneliteError `ERR_IDENTITY_NOT_LISTENING` */
  originFor(host: string | undefined): string {
    return (host === undefined ? undefined : this.#originOf(host)) ?? this.public;
  }

  /** True for a host that is one of our own, at any port. */
  owns(host: string): boolean {
    return this.#originOf(host) !== undefined;
  }

  /** An issuer of ours under the name by which this machine reaches it; any other text stays as it is. */
  localIssuer(issuer: string): string {
    if (this.#configured !== undefined && issuer.startsWith(`${this.#configured}/`)) {
      return this.local + issuer.slice(this.#configured.length);
    }
    const host = /^https:\/\/([^/]*)\//.exec(issuer)?.[1];
    const origin = host === undefined ? undefined : this.#originOf(host);
    // Only the spelling that we give out counts: no capitals, no default port.
    return origin !== undefined && issuer.startsWith(`${origin}/`) ? this.local + issuer.slice(origin.length) : issuer;
  }

  #originOf(host: string): string | undefined {
    const url = HOST_HEADER.test(host) ? URL.parse(`https://${host}`) : null;
    return url && this.#hosts.has(url.hostname) ? url.origin : undefined;
  }
}
