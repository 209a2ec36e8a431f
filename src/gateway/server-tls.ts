import { constants, X509Certificate } from 'node:crypto';
import { isIP } from 'node:net';
import { createSecureContext, DEFAULT_CIPHERS, type SecureContext, TLSSocket } from 'node:tls';
import type { CappedVersion, CertificateFlaw } from '../config/fault-tls.ts';
import type { HandshakeFault } from '../faults/ports.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { Transport } from '../tls/transport.ts';
import type { GatewayOptions } from './types.ts';

/** Node's own suites, then those with AES-CCM, which the real server (GnuTLS) has too. */
const CIPHERS = `${DEFAULT_CIPHERS}:TLS_AES_128_CCM_SHA256:ECDHE-ECDSA-AES256-CCM:ECDHE-ECDSA-AES128-CCM:AES256-CCM:AES128-CCM`;

/**
 * OpenSSL's own groups but those with ML-KEM, of which it keeps the client's key for as long as the connection lives: 6 KiB each. The real
 * server (GnuTLS 3.7) has none either. Clients that prefer one offer an older group beside it.
 */
const GROUPS = 'X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072';

interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** TLS as the gateway speaks it: with its certificate and versions, or with others on purpose. */
export class ServerTls {
  readonly #options: GatewayOptions['tls'];
  #pair: Pair;
  #context: SecureContext;
  /** Read when a name is asked about. */
  #certificate: X509Certificate | undefined;
  /** For connections that a fault rule has a lower version for. */
  readonly #capped = new Map<CappedVersion, SecureContext>();

  /** @throws TunneliteError `ERR_GATEWAY_CERTIFICATE` */
  constructor(options: GatewayOptions['tls']) {
    this.#options = options;
    this.#pair = options;
    this.#context = this.#contextOf(options);
  }

  /** @throws TunneliteError `ERR_GATEWAY_CERTIFICATE`: the one before stays */
  use(pair: Pair): void {
    this.#context = this.#contextOf(pair);
    this.#pair = pair;
    this.#certificate = undefined;
    this.#capped.clear();
  }

  /** The certificate is for this name, or this IP address. */
  covers(name: string): boolean {
    const certificate = (this.#certificate ??= new X509Certificate(this.#pair.cert));
    return (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
  }

  /** Puts TLS around a transport. @param capture gets the lines of the key log too */
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

  /** Has the handshake wait until there is a certificate that is wrong in this way. */
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
        // What a client may renegotiate for free costs the server a handshake each time, and holds up its data.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      });
    } catch (cause) {
      const message = `The gateway's certificate cannot be used: ${errorText(cause)}`;
      throw new TunneliteError('ERR_GATEWAY_CERTIFICATE', message, { cause });
    }
  }
}
