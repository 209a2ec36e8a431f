import { MASTER_SECRET_LENGTH, VERIFY_DATA_LENGTH } from '../constants.ts';
import type { RecordKeys } from '../record/record-protection.ts';
import type { CipherSuite } from './cipher-suites.ts';
import { prf } from './prf.ts';

/** Premaster secret of PSK suites (RFC 4279 §2): the other secret, or as many zeros as the key has bytes, then the key. */
export function pskPremasterSecret(psk: Uint8Array, other: Uint8Array = new Uint8Array(psk.length)): Buffer {
  const out = Buffer.alloc(4 + other.length + psk.length);
  out.writeUInt16BE(other.length, 0);
  out.set(other, 2);
  out.writeUInt16BE(psk.length, 2 + other.length);
  out.set(psk, 4 + other.length);
  return out;
}

/** RFC 5246 §8.1. */
export function masterSecret(
  suite: CipherSuite,
  premaster: Buffer,
  clientRandom: Buffer,
  serverRandom: Buffer,
): Buffer {
  const seed = Buffer.concat([clientRandom, serverRandom]);
  return prf(suite.hash, premaster, 'master secret', seed, MASTER_SECRET_LENGTH);
}

/** RFC 7627 §4. `sessionHash` covers the handshake up to and including ClientKeyExchange. */
export function extendedMasterSecret(suite: CipherSuite, premaster: Buffer, sessionHash: Buffer): Buffer {
  return prf(suite.hash, premaster, 'extended master secret', sessionHash, MASTER_SECRET_LENGTH);
}

/** Keys of both directions (RFC 5246 §6.3; AEAD suites have no MAC keys). */
export interface KeyBlock {
  readonly client: RecordKeys;
  readonly server: RecordKeys;
}

export function keyBlock(suite: CipherSuite, master: Buffer, clientRandom: Buffer, serverRandom: Buffer): KeyBlock {
  const { keyLength: k, ivLength: v } = suite;
  const block = prf(suite.hash, master, 'key expansion', Buffer.concat([serverRandom, clientRandom]), 2 * (k + v));
  return {
    client: { key: block.subarray(0, k), iv: block.subarray(2 * k, 2 * k + v) },
    server: { key: block.subarray(k, 2 * k), iv: block.subarray(2 * k + v) },
  };
}

/** Contents of Finished (RFC 5246 §7.4.9). */
export function verifyData(
  suite: CipherSuite,
  master: Buffer,
  side: 'client' | 'server',
  transcriptHash: Buffer,
): Buffer<ArrayBuffer> {
  return prf(suite.hash, master, `${side} finished`, transcriptHash, VERIFY_DATA_LENGTH);
}

/** A line of the NSS key log format, which Wireshark reads. */
export function keylogLine(clientRandom: Buffer, master: Buffer): string {
  return `CLIENT_RANDOM ${clientRandom.toString('hex')} ${master.toString('hex')}`;
}
