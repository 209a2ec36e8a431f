import type { TLSSocket } from 'node:tls';

/** The cipher suite of a TLS connection by its IANA name; empty before the handshake. */
export function cipherName(tls: TLSSocket): string {
  const cipher = tls.getCipher();
  return cipher?.standardName ?? cipher?.name ?? '';
}
