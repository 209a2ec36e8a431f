import type { DtlsCredentials } from '../association/types.ts';
import { type CipherSuite, type CipherSuiteName, cipherSuite, type KeyExchange } from '../protocol/cipher-suites.ts';
import { EXTENSION, MAX_PLAINTEXT, MIN_RECORD_SIZE_LIMIT } from '../protocol/constants.ts';
import type { ClientHello } from './client-hello.ts';
import { type Extensions, extensionNumbers } from './hello-extensions.ts';
import { GROUP_PREFERENCE, GROUPS } from './key-agreement.ts';
import { chooseSignatureScheme } from './signature-schemes.ts';

/**
 * Plain PSK comes first: AnyConnect servers send no ServerKeyExchange in this mode, and its clients may not expect
 * one (observed: ocserv 1.3.0). AES-256 comes before the others, as in ocserv.
 */
export const DEFAULT_CIPHER_SUITES: readonly CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256',
  'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
  'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256',
  'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
];

/** The parameters that a server selects from a ClientHello. */
export interface Agreement {
  readonly suite: CipherSuite;
  /** Named group of an ECDHE suite. */
  readonly group: number | undefined;
  /** Signature scheme of a certificate suite. */
  readonly signatureScheme: number | undefined;
}

function usable(suite: CipherSuite, credentials: DtlsCredentials): boolean {
  const exchange: KeyExchange = suite.keyExchange;
  if (credentials.kind === 'resume') return suite.name === credentials.cipherSuite;
  if (credentials.kind === 'psk') return exchange === 'psk' || exchange === 'ecdhe_psk';
  const rsa = credentials.identity.key.asymmetricKeyType === 'rsa';
  return exchange === (rsa ? 'ecdhe_rsa' : 'ecdhe_ecdsa');
}

/** Chooses suite, group and signature scheme; undefined when there is nothing in common. */
export function negotiate(
  hello: ClientHello,
  credentials: DtlsCredentials,
  preference: readonly CipherSuiteName[],
): Agreement | undefined {
  const groups = hello.extensions.has(EXTENSION.supportedGroups)
    ? extensionNumbers(hello.extensions, EXTENSION.supportedGroups)
    : [GROUPS.secp256r1];
  const schemes = extensionNumbers(hello.extensions, EXTENSION.signatureAlgorithms);
  if (!groups || !schemes) return undefined;
  const group = GROUP_PREFERENCE.find((id) => groups.includes(id));
  const names = credentials.kind === 'resume' ? [credentials.cipherSuite] : (credentials.cipherSuites ?? preference);
  for (const name of names) {
    const suite = cipherSuite(name);
    if (!hello.cipherSuites.includes(suite.id) || !usable(suite, credentials)) continue;
    if (suite.macKeyLength > 0 && !hello.extensions.has(EXTENSION.encryptThenMac)) continue;
    if (credentials.kind === 'resume') return { suite, group: undefined, signatureScheme: undefined };
    if (suite.keyExchange === 'psk') return { suite, group: undefined, signatureScheme: undefined };
    if (group === undefined) continue;
    if (credentials.kind === 'psk') return { suite, group, signatureScheme: undefined };
    const signatureScheme = chooseSignatureScheme(credentials.identity.key, schemes);
    if (signatureScheme !== undefined) return { suite, group, signatureScheme };
  }
  return undefined;
}

/** The peer's record_size_limit (RFC 8449 §4) as largest plaintext; undefined when it is invalid. */
export function readRecordSizeLimit(extensions: Extensions): number | undefined {
  const body = extensions.get(EXTENSION.recordSizeLimit);
  if (!body) return MAX_PLAINTEXT;
  if (body.length !== 2) return undefined;
  const limit = body.readUInt16BE(0);
  return limit < MIN_RECORD_SIZE_LIMIT ? undefined : Math.min(limit, MAX_PLAINTEXT);
}
