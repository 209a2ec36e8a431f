import {
  createECDH,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';

/** Named groups by IANA number, in order of preference (RFC 8422 §5.1.1, RFC 7748). */
export const GROUPS = { x25519: 29, secp256r1: 23, secp384r1: 24 } as const;
/** Numbers of the groups, in order of preference. */
export const GROUP_PREFERENCE: readonly number[] = Object.values(GROUPS);

/** The DER of an X25519 public key before its 32 bytes (RFC 8410 §4). */
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const X25519_LENGTH = 32;

/** An ephemeral key pair of one handshake. */
export class EphemeralKey {
  /** In the form that is sent: an uncompressed point, or 32 bytes of X25519. */
  readonly publicKey: Buffer;
  readonly #x25519: KeyObject | undefined;
  readonly #ecdh: ECDH | undefined;

  /** @param group one of GROUPS */
  constructor(group: number) {
    if (group === GROUPS.x25519) {
      const pair = generateKeyPairSync('x25519');
      this.#x25519 = pair.privateKey;
      this.publicKey = pair.publicKey.export({ type: 'spki', format: 'der' }).subarray(X25519_SPKI.length);
    } else {
      this.#ecdh = createECDH(group === GROUPS.secp384r1 ? 'secp384r1' : 'prime256v1');
      this.publicKey = this.#ecdh.generateKeys();
    }
  }

  /** The shared secret with the other side's public key; undefined when that key is invalid. */
  agree(publicKey: Buffer): Buffer | undefined {
    try {
      if (this.#ecdh) return publicKey[0] === 4 ? this.#ecdh.computeSecret(publicKey) : undefined;
      if (publicKey.length !== X25519_LENGTH) return undefined;
      const key = createPublicKey({ key: Buffer.concat([X25519_SPKI, publicKey]), type: 'spki', format: 'der' });
      const secret = diffieHellman({ privateKey: this.#x25519!, publicKey: key });
      // RFC 8422 §5.11: an all-zero result means a point of small order.
      return secret.every((byte) => byte === 0) ? undefined : secret;
    } catch {
      return undefined;
    }
  }
}
