/**
 * Microseconds of CPU for sealing and opening one record of 1400 bytes, on node:crypto and through node's own OpenSSL.
 *
 *   node bench/tunnel/aead.ts [records in a batch]
 */

import { type CipherSuiteName, cipherSuite } from '../../src/dtls/protocol/cipher-suites.ts';
import { EvpRecordProtection } from '../../src/dtls/record/evp-record-protection.ts';
import { loadLibcrypto } from '../../src/dtls/record/libcrypto.ts';
import { nodeRecordProtection } from '../../src/dtls/record/node-record-protection.ts';
import type { RecordProtection } from '../../src/dtls/record/record-protection.ts';
import { threadMicroseconds } from '../lib/cpu.ts';
import { inTurns, medianAndLeast, times } from '../lib/figures.ts';

const SIZE = 1400;
const BATCH = Number(process.argv[2] ?? 20_000);
const SUITES: readonly CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
];

interface Contender {
  readonly sealer: NonNullable<ReturnType<RecordProtection['createSealer']>>;
  readonly opener: NonNullable<ReturnType<RecordProtection['createOpener']>>;
  sequence: number;
  /** Microseconds a record, one for each batch. */
  readonly results: number[];
}

const text = Buffer.alloc(SIZE, 7);
const record = Buffer.alloc(SIZE + 100);

function contender(protection: RecordProtection, name: CipherSuiteName): Contender | undefined {
  const suite = cipherSuite(name);
  const keys = { key: Buffer.alloc(suite.keyLength, 1), iv: Buffer.alloc(suite.ivLength, 2) };
  const sealer = protection.createSealer(suite, keys);
  const opener = protection.createOpener(suite, keys);
  return sealer && opener ? { sealer, opener, sequence: 0, results: [] } : undefined;
}

async function batch(one: Contender, round: number): Promise<void> {
  const started = threadMicroseconds();
  for (let i = 0; i < BATCH; i++) {
    const length = one.sealer.seal(record, 0, 23, 1, one.sequence++, text, 0, SIZE);
    if (one.opener.open(record, 0, length - 13) !== SIZE) throw new Error('A sealed record did not open.');
  }
  // The first compiles.
  if (round > 0) one.results.push((threadMicroseconds() - started) / BATCH);
}

const libcrypto = loadLibcrypto();
if (typeof libcrypto === 'string')
  console.log(`OpenSSL inside node cannot be called, so there is nothing to compare with: ${libcrypto}`);
for (const suite of SUITES) {
  const node = contender(nodeRecordProtection, suite);
  const evp = typeof libcrypto === 'string' ? undefined : contender(new EvpRecordProtection(libcrypto), suite);
  await inTurns(
    7,
    [node, evp].filter((one) => one !== undefined),
    batch,
  );
  console.log(
    `${suite.padEnd(40)} node:crypto ${medianAndLeast(node?.results ?? [])} µs   evp ${medianAndLeast(evp?.results ?? [])} µs   ` +
      `node:crypto takes ${times(node?.results ?? [], evp?.results ?? [])} the time`,
  );
  for (const one of [node, evp]) {
    one?.sealer.free();
    one?.opener.free();
  }
}
