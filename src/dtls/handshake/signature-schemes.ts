import {
  constants,
  type KeyObject,
  type SignKeyObjectInput,
  sign,
  type VerifyKeyObjectInput,
  verify,
} from 'node:crypto';

interface SignatureScheme {
  readonly id: number;
  readonly keyType: 'rsa' | 'ec' | 'ed25519';
  /** Absent if the algorithm has its own. */
  readonly hash?: string;
  readonly pss?: true;
}

/**
 * Signature schemes in order of preference (RFC 5246 §7.4.1.4.1, RFC 8446 §4.2.3, RFC 8422 §5.1.3). In DTLS 1.2 an
 * ECDSA scheme does not fix the curve.
 */
const SCHEMES: readonly SignatureScheme[] = [
  { id: 0x0403, keyType: 'ec', hash: 'sha256' },
  { id: 0x0503, keyType: 'ec', hash: 'sha384' },
  { id: 0x0603, keyType: 'ec', hash: 'sha512' },
  { id: 0x0807, keyType: 'ed25519' },
  { id: 0x0804, keyType: 'rsa', hash: 'sha256', pss: true },
  { id: 0x0805, keyType: 'rsa', hash: 'sha384', pss: true },
  { id: 0x0806, keyType: 'rsa', hash: 'sha512', pss: true },
  { id: 0x0401, keyType: 'rsa', hash: 'sha256' },
  { id: 0x0501, keyType: 'rsa', hash: 'sha384' },
  { id: 0x0601, keyType: 'rsa', hash: 'sha512' },
];

/** Numbers of the schemes, in order of preference, for signature_algorithms. */
export const SIGNATURE_SCHEMES: readonly number[] = SCHEMES.map((scheme) => scheme.id);

/** The scheme to sign with: the first of ours that the key supports and the peer accepts. */
export function chooseSignatureScheme(key: KeyObject, offered: readonly number[]): number | undefined {
  return SCHEMES.find((scheme) => scheme.keyType === key.asymmetricKeyType && offered.includes(scheme.id))?.id;
}

function keyInput(scheme: SignatureScheme, key: KeyObject): SignKeyObjectInput & VerifyKeyObjectInput {
  return scheme.pss
    ? { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
    : { key };
}

/** Signs with one of SIGNATURE_SCHEMES. */
export function signWith(id: number, key: KeyObject, data: Buffer): Buffer {
  const scheme = SCHEMES.find((candidate) => candidate.id === id)!;
  return sign(scheme.hash ?? null, data, keyInput(scheme, key));
}

/** Whether the signature is valid, the scheme one of ours, and the key of the right type. */
export function verifyWith(id: number, key: KeyObject, data: Buffer, signature: Buffer): boolean {
  const scheme = SCHEMES.find((candidate) => candidate.id === id);
  if (!scheme || scheme.keyType !== key.asymmetricKeyType) return false;
  try {
    return verify(scheme.hash ?? null, data, keyInput(scheme, key), signature);
  } catch {
    return false;
  }
}
