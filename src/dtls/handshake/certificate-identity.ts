import { createPrivateKey, type KeyObject } from 'node:crypto';
import { TunneliteError } from '../../lib/errors.ts';
import type { CertificateIdentity } from '../association/types.ts';
import { parsePem } from './certificate-verification.ts';

/**
 * A certificate chain (PEM, leaf first) with its private key (PEM or KeyObject): RSA, ECDSA or Ed25519.
 *
 * @throws TunneliteError ERR_DTLS_CERTIFICATE when either cannot be read, or they do not match
 */
export function certificateIdentity(cert: string, key: string | KeyObject): CertificateIdentity {
  try {
    const chain = parsePem(cert);
    const privateKey = typeof key === 'string' ? createPrivateKey(key) : key;
    if (chain[0]?.checkPrivateKey(privateKey)) return { chain: chain.map((item) => item.raw), key: privateKey };
  } catch (error) {
    throw new TunneliteError('ERR_DTLS_CERTIFICATE', 'The certificate or the private key cannot be read.', {
      cause: error,
    });
  }
  throw new TunneliteError('ERR_DTLS_CERTIFICATE', 'The private key does not belong to the first certificate.');
}
