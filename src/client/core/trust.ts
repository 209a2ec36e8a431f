import { createSecureContext, type SecureContext } from 'node:tls';

/**
 * OpenSSL's own groups but those with ML-KEM, of which both sides keep a key for as long as the connection lives: 6 KiB each. The real
 * clients (GnuTLS 3.7) offer none either.
 */
const GROUPS = 'X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072';

/**
 * Whom clients trust: the system's authorities, or those given. Large, and some milliseconds of work: make one for all clients that
 * trust the same.
 * @param ca PEM
 */
export function trust(ca: string | undefined): SecureContext {
  return createSecureContext({ ecdhCurve: GROUPS, ...(ca === undefined ? {} : { ca }) });
}
