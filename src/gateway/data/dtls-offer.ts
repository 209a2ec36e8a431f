import { CIPHER_SUITES, type CipherSuiteName } from '../../dtls/handshake/cipher-suites.ts';
import type { ClientHeaders, HeaderLine } from '../../wire/cstp-headers.ts';
import { DTLS_CHANNEL_HEADER } from '../../wire/dtls-channel.ts';

/**
 * How DTLS is agreed on in the headers of CONNECT (reference/openconnect-protocol.md §7.1 to §7.3).
 *
 * - PSK: the client names `PSK-NEGOTIATE`; key from the TLS exporter, suite from the DTLS handshake.
 * - Legacy: the client sends a master secret and the names of suites; we pick one, and the handshake "resumes" a session that
 *   never was.
 */
export type DtlsMode =
  | { readonly kind: 'psk' }
  | {
      readonly kind: 'legacy';
      /** The header that the suite is answered in: it tells the client the version. */
      readonly header: 'X-DTLS12-CipherSuite' | 'X-DTLS-CipherSuite';
      /** The name as the client wrote it. */
      readonly name: string;
      readonly suite: CipherSuiteName;
      readonly masterSecret: Buffer;
    };

/** The item that asks for PSK mode. */
export const PSK_NEGOTIATE = 'PSK-NEGOTIATE';

/** Suites of PSK mode in our order; the first two are what every known client has (§7.2). */
export const PSK_SUITES: readonly CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
];

/** Legacy names by header, in our order. DTLS 0.9 (AES-CBC-SHA) is not served. */
const LEGACY: readonly {
  readonly header: 'X-DTLS12-CipherSuite' | 'X-DTLS-CipherSuite';
  readonly items: 'dtls12Ciphers' | 'dtlsCiphers';
  readonly suites: readonly (readonly [name: string, suite: CipherSuiteName])[];
}[] = [
  {
    header: 'X-DTLS12-CipherSuite',
    items: 'dtls12Ciphers',
    suites: [
      ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
      ['AES256-GCM-SHA384', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
      ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      ['AES128-GCM-SHA256', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
    ],
  },
  {
    header: 'X-DTLS-CipherSuite',
    items: 'dtlsCiphers',
    suites: [
      ['OC-DTLS1_2-AES256-GCM', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
      ['OC-DTLS1_2-AES128-GCM', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
    ],
  },
];

/** The mode for what a client offered; undefined = nothing in common, the client stays on TLS. */
export function chooseDtlsMode(headers: ClientHeaders): DtlsMode | undefined {
  if (!headers.asksDtls) return undefined;
  if (headers.dtlsCiphers.includes(PSK_NEGOTIATE) || headers.dtls12Ciphers.includes(PSK_NEGOTIATE)) {
    return { kind: 'psk' };
  }
  const masterSecret = headers.dtlsMasterSecret;
  if (!masterSecret) return undefined;
  for (const { header, items, suites } of LEGACY) {
    for (const [name, suite] of suites) {
      if (headers[items].includes(name)) return { kind: 'legacy', header, name, suite, masterSecret };
    }
  }
  return undefined;
}

/** Bytes of a DTLS record header (RFC 6347 §4.1). */
const RECORD_HEADER = 13;

/**
 * Bytes that the channel adds to an inner packet. In PSK mode the suite is not known yet when the MTU is told: the largest of them
 * is assumed, which is that of AES-GCM, as the real server does (§5.4).
 */
export function dtlsOverhead(mode: DtlsMode): number {
  const suite = mode.kind === 'legacy' ? mode.suite : 'TLS_PSK_WITH_AES_256_GCM_SHA384';
  return RECORD_HEADER + CIPHER_SUITES[suite].overhead + DTLS_CHANNEL_HEADER;
}

/** The header lines that name session and suite (§5.2). */
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
