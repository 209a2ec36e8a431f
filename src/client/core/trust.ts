import { createSecureContext, type SecureContext } from 'node:tls';

/**
 * OpenSSL's default groups except those with ML-KEM, for which both sides keep a key for as long as the connection lives: 6 KiB each. The real
 * clients (GnuTLS 3.7) do not offer them either.
 */
const GROUPS = 'X25519:P-256:X448:P-384:P-521:ffdhe2048:ffdhe3072';

/**
 * The CAs that clients trust: the system's, or the given ones. The context is large and takes some milliseconds to create: share one between all
 * clients that trust the same.
 * @param ca PEM
 */
export function trust(ca: string | undefined): SecureContext {
  return createSecureContext({ ecdhCurve: GROUPS, ...(ca === undefined ? {} : { ca }) });
}
