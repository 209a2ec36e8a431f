/**
 * Microseconds for sealing and opening one record of 1400 bytes, on node:crypto and through node's own OpenSSL.
 *
 *   node bench/tunnel/aead.ts
 */

import { type CipherSuiteName, cipherSuite } from '../../src/dtls/handshake/cipher-suites.ts';
import { EvpRecordProtection } from '../../src/dtls/record/evp-record-protection.ts';
import { loadLibcrypto } from '../../src/dtls/record/libcrypto.ts';
import { nodeRecordProtection } from '../../src/dtls/record/node-record-protection.ts';
import type { RecordProtection } from '../../src/dtls/record/record-protection.ts';

const SIZE = 1400;
const BATCH = 20_000;
const SUITES: readonly CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
];

/** The best of several batches: the one that was disturbed least. */
function measure(protection: RecordProtection, name: CipherSuiteName): number {
  const suite = cipherSuite(name);
  const keys = { key: Buffer.alloc(suite.keyLength, 1), iv: Buffer.alloc(suite.ivLength, 2) };
  const sealer = protection.createSealer(suite, keys);
  const opener = protection.createOpener(suite, keys);
  if (!sealer || !opener) return Number.NaN;
  const text = Buffer.alloc(SIZE, 7);
  const record = Buffer.alloc(SIZE + 100);
  let sequence = 0;
  let best = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < 6; batch++) {
    const started = performance.now();
    for (let i = 0; i < BATCH; i++) {
      const length = sealer.seal(record, 0, 23, 1, sequence++, text, 0, SIZE);
      if (opener.open(record, 0, length - 13) !== SIZE) throw new Error('A sealed record did not open.');
    }
    best = Math.min(best, ((performance.now() - started) / BATCH) * 1000);
  }
  sealer.free();
  opener.free();
  return best;
}

const libcrypto = loadLibcrypto();
for (const suite of SUITES) {
  const node = measure(nodeRecordProtection, suite);
  const evp = typeof libcrypto === 'string' ? Number.NaN : measure(new EvpRecordProtection(libcrypto), suite);
  console.log(
    `${suite.padEnd(40)} node:crypto ${node.toFixed(1).padStart(5)} µs   evp ${evp.toFixed(1).padStart(5)} µs   ${(node / evp).toFixed(1)}×`,
  );
}
