import { KeyObject } from 'node:crypto';
import type { PreSharedKey } from '../association/types.ts';
import type { CipherSuite } from '../protocol/cipher-suites.ts';
import { MASTER_SECRET_LENGTH, VERIFY_DATA_LENGTH } from '../protocol/constants.ts';
import type { KeyBlock, RecordKeys } from '../record/record-protection.ts';
import { prf } from './prf.ts';

/** Premaster secret of PSK suites (RFC 4279 §2): the other secret, or as many zeros as the key has bytes, then the key. */
export function pskPremasterSecret(key: PreSharedKey, agreed?: Uint8Array): Buffer {
  const psk = key instanceof KeyObject ? key.export() : key;
  const other = agreed ?? new Uint8Array(psk.length);
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

/** Splits the key block (RFC 5246 §6.3): for client and server, MAC keys if there are any, then keys, then IVs. */
export function keyBlock(suite: CipherSuite, master: Buffer, clientRandom: Buffer, serverRandom: Buffer): KeyBlock {
  const { macKeyLength: m, keyLength: k, ivLength: v } = suite;
  const seed = Buffer.concat([serverRandom, clientRandom]);
  const block = prf(suite.hash, master, 'key expansion', seed, 2 * (m + k + v));
  const cut = (side: 0 | 1): RecordKeys => {
    const part = (from: number, length: number): Buffer =>
      block.subarray(from + side * length, from + (side + 1) * length);
    const keys = { key: part(2 * m, k), iv: part(2 * (m + k), v) };
    return m > 0 ? { ...keys, mac: part(0, m) } : keys;
  };
  return { client: cut(0), server: cut(1) };
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
