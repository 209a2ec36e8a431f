import { constants, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, TLSSocket } from 'node:tls';
import type { CappedVersion, CertificateFlaw } from '../config/fault-tls.ts';
import type { HandshakeFault } from '../faults/ports.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { Transport } from '../tls/transport.ts';
import type { GatewayOptions } from './types.ts';

/** Node's default suites, then those with AES-CCM, which the real server (GnuTLS) also supports. */
const CIPHERS = `${DEFAULT_CIPHERS}:TLS_AES_128_CCM_SHA256:ECDHE-ECDSA-AES256-CCM:ECDHE-ECDSA-AES128-CCM:AES256-CCM:AES128-CCM`;

/**
 * OpenSSL's default groups without ML-KEM, for which it keeps the client's key during the whole connection: 6 KiB each. The real
 * server (GnuTLS 3.7) does not support ML-KEM either. Clients that prefer it also offer an older group.
 */
const GROUPS = 'X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** The gateway's TLS: with its certificate and versions, or with others for faults. */
export class ServerTls {
  readonly #options: GatewayOptions['tls'];
  #pair: Pair;
  #context: SecureContext;
  /** Parsed when `covers` is first called. */
  #certificate: X509Certificate | undefined;
  /** Contexts for connections with a lower version by a fault rule. */
  readonly #capped = new Map<CappedVersion, SecureContext>();

  /** @throws TunneliteError `ERR_GATEWAY_CERTIFICATE` */
  constructor(options: GatewayOptions['tls']) {
    this.#options = options;
    this.#pair = options;
    this.#context = this.#contextOf(options);
  }

  /** @throws TunneliteError `ERR_GATEWAY_CERTIFICATE`; the previous certificate stays in use */
  use(pair: Pair): void {
    this.#context = this.#contextOf(pair);
    this.#pair = pair;
    this.#certificate = undefined;
    this.#capped.clear();
  }

  /** Whether the certificate is valid for this name or IP address. */
  covers(name: string): boolean {
    const certificate = (this.#certificate ??= new X509Certificate(this.#pair.cert));
    return (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
  }

  /** Wraps a transport in TLS. @param capture also receives the lines of the key log */
  secure(transport: Transport, fault: HandshakeFault | undefined, capture?: (line: string) => void): TLSSocket {
    const secureContext = fault?.maxVersion === undefined ? this.#context : this.#cap(fault.maxVersion);
    const socket = new TLSSocket(transport, { isServer: true, secureContext });
    const { keylog } = this.#options;
    for (const to of [keylog, capture]) {
      if (to) socket.on('keylog', (line: Buffer) => to(line.toString('latin1').trimEnd()));
    }
    if (fault?.flaw !== undefined) this.#show(fault.flaw, socket, transport);
    return socket;
  }

  /** Delays the handshake until a certificate with this flaw is available. */
  #show(flaw: CertificateFlaw, socket: TLSSocket, transport: Transport): void {
    const made = this.#options.flawed?.(flaw);
    if (made === undefined) return;
    transport.hold();
    made.then(
      ({ cert, key }) => {
        if (transport.destroyed) return;
        socket.setKeyCert(createSecureContext({ cert, key }));
        transport.release();
      },
      (error: unknown) => transport.destroy(error instanceof Error ? error : new Error(errorText(error))),
    );
  }

  #cap(maxVersion: CappedVersion): SecureContext {
    let context = this.#capped.get(maxVersion);
    if (!context) this.#capped.set(maxVersion, (context = this.#contextOf(this.#pair, maxVersion)));
    return context;
  }

  #contextOf({ cert, key }: Pair, capped?: CappedVersion): SecureContext {
    const { minVersion = DEFAULTS.gateway.tls.minVersion, maxVersion = DEFAULTS.gateway.tls.maxVersion } =
      this.#options;
    try {
      return createSecureContext({
        cert,
        key,
        // OpenSSL signs for the versions before 1.2 at its level 0 only: with SHA-1.
        ciphers: capped === undefined || capped === 'TLSv1.2' ? CIPHERS : `${CIPHERS}:@SECLEVEL=0`,
        minVersion: capped ?? minVersion,
        maxVersion: capped ?? maxVersion,
        ecdhCurve: GROUPS,
        honorCipherOrder: true,
        // A renegotiation is cheap for a client but costs the server a handshake and delays data.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      });
    } catch (cause) {
      const message = `The gateway's certificate cannot be used: ${errorText(cause)}`;
      throw new TunneliteError('ERR_GATEWAY_CERTIFICATE', message, { cause });
    }
  }
}
