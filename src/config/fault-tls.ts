import { Type } from '../lib/schema/index.ts';

/* Faults of the TLS handshake. */

/** Possible flaws of the certificate that the gateway shows. */
export const CERTIFICATE_FLAWS = ['untrusted', 'expired', 'wrong_name'] as const;
export type CertificateFlaw = (typeof CERTIFICATE_FLAWS)[number];

export const CAPPED_VERSIONS = ['TLSv1', 'TLSv1.1', 'TLSv1.2'] as const;
export type CappedVersion = (typeof CAPPED_VERSIONS)[number];

export const TLS_ACTIONS = {
  certificate: {
    seams: ['decision'],
    needs: ['flaw'],
    may: [],
    text: 'The gateway uses another certificate in this handshake: one from an unknown CA, like a proxy that intercepts TLS (`untrusted`), one that expired yesterday (`expired`), or one for another host (`wrong_name`).',
  },
  tls_version: {
    seams: ['decision'],
    needs: ['maxVersion'],
    may: [],
    text: 'The gateway offers no TLS version above `maxVersion` in this handshake: `TLSv1.2`, or `TLSv1.1` and `TLSv1`, which current clients refuse.',
  },
} as const;

/** Applied before the handshake, when it is unknown whose connection it is. */
export const HANDSHAKE_ACTIONS: readonly string[] = Object.keys(TLS_ACTIONS);

/** Members of `then` that only these actions have. */
export const TLS_MEMBERS = {
  flaw: Type.Optional(Type.Enum([...CERTIFICATE_FLAWS], { noun: 'flaw', description: 'The flaw of the certificate.' })),
  maxVersion: Type.Optional(
    Type.Enum([...CAPPED_VERSIONS], { noun: 'TLS version', description: 'The newest version to offer.' }),
  ),
};
