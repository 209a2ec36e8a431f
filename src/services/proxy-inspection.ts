import type { Duplex } from 'node:stream';
import { createSecureContext, rootCertificates, type SecureContext, TLSSocket, connect as tlsConnect } from 'node:tls';
import { sniName } from '../lib/endpoint.ts';
import { Remembered } from './remembered.ts';

/** Creates the certificates that an inspecting proxy shows in place of the sites' own. */
export interface Inspector {
  /** PEM of the CA that clients must trust. */
  ca(): Promise<string>;
  /**
   * Creates a certificate for one host.
   * @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED`
   */
  certificate(host: string): Promise<{ readonly cert: string; readonly key: string; readonly notAfter: number }>;
}

/** How long before its expiry a certificate is replaced, in milliseconds. */
const RENEW_MS = 24 * 3_600_000;

/** TLS inspection: presents certificates of its own CA to clients, and verifies those of sites as a client. */
export class Inspection {
  readonly #inspector: Inspector;
  readonly #now: () => number;
  readonly #contexts = new Remembered<Promise<{ readonly context: SecureContext; readonly notAfter: number }>>();
  readonly #ca: string;
  #trust: SecureContext | undefined;

  /** @param ca PEM of the mock network's CA, trusted in addition to the public CAs */
  constructor(inspector: Inspector, ca: string, now: () => number) {
    this.#inspector = inspector;
    this.#ca = ca;
    this.#now = now;
  }

  /** The certificate for a host. @throws TunneliteError `ERR_CERT_NAME_NOT_PERMITTED` */
  async contextFor(host: string): Promise<SecureContext> {
    const known = await this.#contexts.get(host)?.catch(() => undefined);
    if (known && known.notAfter - RENEW_MS > this.#now()) return known.context;
    const made = this.#inspector.certificate(host).then(({ cert, key, notAfter }) => ({
      context: createSecureContext({ cert, key, minVersion: 'TLSv1.2' }),
      notAfter,
    }));
    made.catch(() => this.#contexts.delete(host));
    this.#contexts.set(host, made);
    return (await made).context;
  }

  /** The client's side of the proxy's TLS; resolves when the handshake is done. */
  async towardsClient(stream: Duplex, secureContext: SecureContext): Promise<TLSSocket> {
    const secure = new TLSSocket(stream, { isServer: true, secureContext, ALPNProtocols: ['http/1.1'] });
    stream.once('close', () => secure.destroy());
    secure.once('close', () => stream.destroy());
    await ready(secure, 'secure');
    // As Node's own TLS server does before it emits a socket (see site.ts).
    Object.assign(secure, { secureConnecting: false });
    return secure;
  }

  /** TLS to a site over an open connection; rejects when its certificate is not trusted. */
  async towardsSite(connection: Duplex, host: string): Promise<TLSSocket> {
    this.#trust ??= createSecureContext({ ca: [this.#ca, ...rootCertificates], minVersion: 'TLSv1.2' });
    const servername = sniName(host);
    const secure = tlsConnect({
      socket: connection,
      host,
      secureContext: this.#trust,
      ALPNProtocols: ['http/1.1'],
      ...(servername === undefined ? {} : { servername }),
    });
    connection.once('error', (error) => secure.destroy(error));
    connection.once('close', () => secure.destroy());
    secure.once('close', () => connection.destroy());
    await ready(secure, 'secureConnect');
    return secure;
  }

  /** Forgets the generated certificates. */
  reset(): void {
    for (const host of this.#contexts.keys()) this.#contexts.delete(host);
  }
}

/** Waits for the end of a handshake. */
function ready(secure: TLSSocket, event: 'secure' | 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    secure.on('error', reject);
    secure.once('close', () => reject(new Error('the connection was closed')));
    secure.once(event, resolve);
  });
}
