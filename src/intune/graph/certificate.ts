import { X509Certificate } from 'node:crypto';
import { badRequest } from './graph-error.ts';

/** Longest certificate, in bytes. */
const MAX_CERTIFICATE = 64 * 1024;

/**
 * The certificate of a trusted root profile: base64 of DER or of PEM (memdocs, `microsoft-tunnel/mam-ios.md` and `mam-android.md`).
 * @throws GraphError 400 for anything else; the message names what it appears to be
 */
export function readCertificate(encoded: string): X509Certificate {
  const path = ['trustedRootCertificate'];
  const bytes = Buffer.from(encoded, 'base64');
  if (bytes.length > MAX_CERTIFICATE) {
    throw badRequest(`The value of property 'trustedRootCertificate' is longer than ${MAX_CERTIFICATE} bytes.`, path);
  }
  const what = kindOf(bytes);
  if (what !== undefined) {
    throw badRequest(
      `The value of property 'trustedRootCertificate' is ${what}; the base64 of one X.509 certificate is expected.`,
      path,
    );
  }
  try {
    return new X509Certificate(bytes);
  } catch {
    throw badRequest(
      "The value of property 'trustedRootCertificate' is not an X.509 certificate; the base64 of its DER, without PEM header lines, is expected.",
      path,
    );
  }
}

/** Files that are often mistaken for a certificate. For a private key, the message reveals only that it is one. */
function kindOf(bytes: Buffer): string | undefined {
  const text = bytes.toString('latin1');
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'a private key';
  if (text.includes('-----BEGIN CERTIFICATE REQUEST-----')) return 'a certificate request';
  if (text.includes('-----BEGIN PKCS7-----')) return 'a PKCS #7 bundle';
  if (text.split('-----BEGIN CERTIFICATE-----').length > 2) return 'a chain of certificates';
  // PFX ::= SEQUENCE { version INTEGER (3), … } (RFC 7292 §4), with a length of two bytes.
  if (bytes[0] === 0x30 && bytes[1] === 0x82 && bytes.subarray(4, 7).equals(Buffer.from([2, 1, 3]))) {
    return 'a PKCS #12 file (.pfx)';
  }
  return undefined;
}
