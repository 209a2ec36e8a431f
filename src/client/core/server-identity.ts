import { isIP } from 'node:net';
import { checkServerIdentity, type DetailedPeerCertificate, type PeerCertificate, type TLSSocket } from 'node:tls';

/** Of a host's names in a certificate, only those that Node.js accepts too: no common name, no wildcard for a part of a label. */
const STRICT = { subject: 'never', partialWildcards: false } as const;

/**
 * Checks that the server's certificate is for `host` (RFC 9525), once in the life of a connection: with Node.js 24 the certificate is gone from it
 * after one call. OpenSSL compares the names. Only where it finds no match does Node.js compare them again, and describe the difference: creating
 * an object of all that is in a certificate takes a tenth of a handshake.
 *
 * @param host a name or an address, without brackets
 */
export function checkIdentity(socket: TLSSocket, host: string): Error | undefined {
  const certificate = socket.getPeerX509Certificate();
  const match = isIP(host) ? certificate?.checkIP(host) : certificate?.checkHost(host, STRICT);
  if (match !== undefined) return undefined;
  return checkServerIdentity(host, (certificate?.toLegacyObject() ?? {}) as PeerCertificate);
}

/** In place of `getPeerCertificate`, which Node.js calls only to pass the result to the check of the server's name. */
export function noPeerCertificate(): DetailedPeerCertificate {
  return {} as DetailedPeerCertificate;
}
