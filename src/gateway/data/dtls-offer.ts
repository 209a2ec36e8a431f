import { CIPHER_SUITES, type CipherSuiteName } from '../../dtls/protocol/cipher-suites.ts';
import { LEGACY_SUITES, type LegacyHeader } from '../../dtls/protocol/legacy-suites.ts';
import type { ClientHeaders, HeaderLine } from '../../wire/cstp-headers.ts';
import { DTLS_CHANNEL_HEADER, PSK_NEGOTIATE } from '../../wire/dtls-channel.ts';

/**
 * How the headers of CONNECT negotiate DTLS (draft-mavrogiannopoulos-openconnect for PSK; observed: ocserv 1.3.0 for both modes).
 *
 * - PSK: the client names `PSK-NEGOTIATE`; key from the TLS exporter, suite from the DTLS handshake.
 * - Legacy: the client sends a master secret and the names of suites; we pick one, and the handshake "resumes" a session that
 *   never was.
 */
export type DtlsMode =
  | { readonly kind: 'psk' }
  | {
      readonly kind: 'legacy';
      /** The header that names the suite in the answer, and thereby the version. */
      readonly header: LegacyHeader;
      /** The name as the client wrote it. */
      readonly name: string;
      readonly suite: CipherSuiteName;
      readonly masterSecret: Buffer;
    };

const GCM_SUITES: readonly CipherSuiteName[] = ['TLS_PSK_WITH_AES_256_GCM_SHA384', 'TLS_PSK_WITH_AES_128_GCM_SHA256'];
const CHACHA20_SUITES: readonly CipherSuiteName[] = ['TLS_PSK_WITH_CHACHA20_POLY1305_SHA256'];
const CBC_SUITES: readonly CipherSuiteName[] = ['TLS_PSK_WITH_AES_256_CBC_SHA'];
/** Each list is parsed once, not for each session. */
const CHACHA20_FIRST = Object.freeze([...CHACHA20_SUITES, ...GCM_SUITES, ...CBC_SUITES]);
const GCM_FIRST = Object.freeze([...GCM_SUITES, ...CHACHA20_SUITES, ...CBC_SUITES]);

/**
 * Suites of PSK mode in order of preference. Every known client supports AES-GCM (observed: openconnect 9.01, 9.21). The suite that matches
 * the TLS cipher comes first; CBC is always last, for clients without an AEAD.
 */
export function pskSuites(tlsCipher: string): readonly CipherSuiteName[] {
  return /CHACHA20/.test(tlsCipher) ? CHACHA20_FIRST : GCM_FIRST;
}

/** The suite that corresponds to a TLS cipher. */
function assumedSuite(tlsCipher: string): CipherSuiteName {
  const aead = /GCM|CCM|CHACHA20/.test(tlsCipher);
  return aead ? pskSuites(tlsCipher)[0]! : CBC_SUITES[0]!;
}

/** The mode for a client's offer; undefined = nothing in common, the client stays on TLS. */
export function chooseDtlsMode(headers: ClientHeaders): DtlsMode | undefined {
  if (!headers.asksDtls) return undefined;
  if (headers.dtlsCiphers.includes(PSK_NEGOTIATE) || headers.dtls12Ciphers.includes(PSK_NEGOTIATE)) {
    return { kind: 'psk' };
  }
  const masterSecret = headers.dtlsMasterSecret;
  if (!masterSecret) return undefined;
  for (const { header, suites } of LEGACY_SUITES) {
    const offered = header === 'X-DTLS12-CipherSuite' ? headers.dtls12Ciphers : headers.dtlsCiphers;
    for (const [name, suite] of suites) {
      if (offered.includes(name)) return { kind: 'legacy', header, name, suite, masterSecret };
    }
  }
  return undefined;
}

/** Bytes of a DTLS record header (RFC 6347 §4.1). */
const RECORD_HEADER = 13;

/**
 * Bytes that the channel adds to an inner packet. In PSK mode the suite is not yet known when the MTU is sent: like ocserv 1.3.0, this
 * assumes the suite that corresponds to the cipher of the TLS connection.
 *
 * @param tlsCipher OpenSSL name of the cipher
 */
export function dtlsOverhead(mode: DtlsMode, tlsCipher: string): number {
  const suite = mode.kind === 'legacy' ? mode.suite : assumedSuite(tlsCipher);
  return RECORD_HEADER + CIPHER_SUITES[suite].overhead + DTLS_CHANNEL_HEADER;
}

/** The header lines that identify session and suite, in ocserv's order. */
export function dtlsOfferHeaders(mode: DtlsMode, id: Buffer, mtu: number): HeaderLine[] {
  if (mode.kind === 'psk') {
    return [
      ['X-DTLS-App-ID', id.toString('hex')],
      ['X-DTLS-CipherSuite', PSK_NEGOTIATE],
    ];
  }
  return [
    ['X-DTLS-Session-ID', id.toString('hex')],
    [mode.header, mode.name],
    ['X-DTLS-MTU', String(mtu)],
  ];
}
