import { hash } from 'node:crypto';

const BLOCK = { sha256: 64, sha384: 128 } as const;
const DIGEST = { sha256: 32, sha384: 48 } as const;

type PrfHash = keyof typeof BLOCK;

/**
 * PRF of TLS 1.2 (RFC 5246 §5): `length` bytes from P_hash(secret, label ‖ seed).
 *
 * HMAC is spelled out over one-shot hashes (RFC 2104) with a text digest: node:crypto's Hmac objects, and digests
 * returned as Buffers, each cost several times the hash itself, and a handshake takes a dozen.
 */
export function prf(
  algorithm: PrfHash,
  secret: Uint8Array,
  label: string,
  seed: Uint8Array,
  length: number,
): Buffer<ArrayBuffer> {
  const block = BLOCK[algorithm];
  const digest = DIGEST[algorithm];
  const key = secret.length > block ? Buffer.from(hash(algorithm, secret, 'binary'), 'latin1') : secret;
  // inner: ipad ‖ A(i) ‖ label ‖ seed;   outer: opad ‖ inner digest
  const inner = Buffer.alloc(block + digest + label.length + seed.length, 0);
  const outer = Buffer.alloc(block + digest, 0);
  for (let i = 0; i < block; i++) {
    const byte = i < key.length ? key[i]! : 0;
    inner[i] = byte ^ 0x36;
    outer[i] = byte ^ 0x5c;
  }
  inner.write(label, block + digest, 'latin1');
  inner.set(seed, block + digest + label.length);
  const hmac = (message: Buffer): string => {
    outer.write(hash(algorithm, message, 'binary'), block, 'latin1');
    return hash(algorithm, outer, 'binary');
  };

  const output = Buffer.allocUnsafeSlow(Math.ceil(length / digest) * digest);
  const first = Buffer.concat([inner.subarray(0, block), inner.subarray(block + digest)]);
  inner.write(hmac(first), block, 'latin1');
  const upToA = inner.subarray(0, block + digest);
  for (let at = 0; at < length; at += digest) {
    output.write(hmac(inner), at, 'latin1');
    if (at + digest < length) inner.write(hmac(upToA), block, 'latin1');
  }
  inner.fill(0);
  outer.fill(0);
  first.fill(0);
  return output.subarray(0, length);
}
