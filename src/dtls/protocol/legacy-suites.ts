import type { CipherSuiteName } from './cipher-suites.ts';

/** The header that contains the suite; its name determines the version of DTLS. */
export type LegacyHeader = 'X-DTLS12-CipherSuite' | 'X-DTLS-CipherSuite';

/**
 * Cipher names of AnyConnect's legacy mode by header, best first (observed: ocserv 1.3.0). DTLS 0.9 (AES-CBC-SHA) is not supported.
 */
export const LEGACY_SUITES: readonly {
  readonly header: LegacyHeader;
  readonly suites: readonly (readonly [name: string, suite: CipherSuiteName])[];
}[] = [
  {
    header: 'X-DTLS12-CipherSuite',
    suites: [
      ['ECDHE-RSA-AES256-GCM-SHA384', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
      ['AES256-GCM-SHA384', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
      ['ECDHE-RSA-AES128-GCM-SHA256', 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256'],
      ['AES128-GCM-SHA256', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
    ],
  },
  {
    header: 'X-DTLS-CipherSuite',
    suites: [
      ['OC-DTLS1_2-AES256-GCM', 'TLS_RSA_WITH_AES_256_GCM_SHA384'],
      ['OC-DTLS1_2-AES128-GCM', 'TLS_RSA_WITH_AES_128_GCM_SHA256'],
    ],
  },
];
