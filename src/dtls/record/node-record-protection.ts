import { type CipherGCMTypes, createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { keep } from '../../lib/keep.ts';
import type { CipherSuite } from '../protocol/cipher-suites.ts';
import { MAX_PLAINTEXT, RECORD_HEADER_LENGTH, TAG_LENGTH } from '../protocol/constants.ts';
import { CbcOpener, CbcSealer } from './cbc-record-protection.ts';
import { AAD_LENGTH, fillAad, writeRecordHeader } from './record.ts';
import type { RecordKeys, RecordOpener, RecordProtection, RecordSealer } from './record-protection.ts';

const NONCE_LENGTH = 12;
const OPTIONS = { authTagLength: TAG_LENGTH } as const;
// Scratch memory for every record of the process: node:crypto has copied both when its call returns.
const aad = Buffer.alloc(AAD_LENGTH);
const nonce = Buffer.alloc(NONCE_LENGTH);
// Shared, so that an idle association does not keep its last record in memory.
let opened: Buffer = Buffer.alloc(0);

/** Nonce from the salt or IV, and the 8 bytes of the record: its explicit nonce, or epoch and sequence. */
function fillNonce(iv: Buffer, source: Buffer, at: number): void {
  if (iv.length === NONCE_LENGTH) {
    for (let i = 0; i < 4; i++) nonce[i] = iv[i]!;
    for (let i = 4; i < NONCE_LENGTH; i++) nonce[i] = iv[i]! ^ source[at + i - 4]!;
  } else {
    for (let i = 0; i < 4; i++) nonce[i] = iv[i]!;
    for (let i = 0; i < 8; i++) nonce[4 + i] = source[at + i]!;
  }
}

// The cast is for the types only: ChaCha20-Poly1305 is used in the same way but has a separate overload.
const algorithmOf = (suite: CipherSuite) => suite.cipher as CipherGCMTypes;

/** The keys of one direction. */
class NodeKeys {
  protected readonly suite: CipherSuite;
  // A KeyObject: a raw Buffer is imported again for every record, which costs several times the encryption.
  protected readonly key: KeyObject;
  protected readonly iv: Buffer;

  constructor(suite: CipherSuite, keys: RecordKeys) {
    this.suite = suite;
    this.key = createSecretKey(keys.key);
    this.iv = keep(keys.iv);
  }

  free(): void {
    // The key is garbage-collected.
  }
}

class NodeSealer extends NodeKeys implements RecordSealer {
  seal(
    output: Buffer,
    outputOffset: number,
    type: number,
    epoch: number,
    sequence: number,
    input: Buffer,
    inputOffset: number,
    length: number,
  ): number {
    const { explicitNonceLength: explicit, overhead } = this.suite;
    writeRecordHeader(output, outputOffset, type, epoch, sequence, length + overhead);
    fillAad(aad, output, outputOffset, length);
    // Epoch and sequence make a nonce that never repeats under one key (RFC 5288 §3).
    fillNonce(this.iv, output, outputOffset + 3);
    let at = outputOffset + RECORD_HEADER_LENGTH;
    for (let i = 0; i < explicit; i++) output[at + i] = aad[i]!;
    at += explicit;
    const cipher = createCipheriv(algorithmOf(this.suite), this.key, nonce, OPTIONS);
    cipher.setAAD(aad);
    output.set(cipher.update(input.subarray(inputOffset, inputOffset + length)), at);
    cipher.final();
    output.set(cipher.getAuthTag(), at + length);
    return RECORD_HEADER_LENGTH + length + overhead;
  }
}

class NodeOpener extends NodeKeys implements RecordOpener {
  readonly plaintextOffset = 0;

  get plaintext(): Buffer {
    return opened;
  }

  open(input: Buffer, offset: number, length: number): number {
    const { explicitNonceLength: explicit, overhead } = this.suite;
    const plain = length - overhead;
    if (plain < 0 || plain > MAX_PLAINTEXT) return -1;
    fillAad(aad, input, offset, plain);
    const body = offset + RECORD_HEADER_LENGTH;
    fillNonce(this.iv, input, explicit > 0 ? body : offset + 3);
    const decipher = createDecipheriv(algorithmOf(this.suite), this.key, nonce, OPTIONS);
    decipher.setAAD(aad);
    const start = body + explicit;
    decipher.setAuthTag(input.subarray(start + plain, start + plain + TAG_LENGTH));
    const plaintext = decipher.update(input.subarray(start, start + plain));
    try {
      decipher.final();
    } catch {
      return -1;
    }
    opened = plaintext;
    return plain;
  }
}

/** Record protection on node:crypto, for every suite of the engine. */
export const nodeRecordProtection: RecordProtection = {
  createSealer: (suite, keys) => (suite.macKeyLength > 0 ? new CbcSealer(suite, keys) : new NodeSealer(suite, keys)),
  createOpener: (suite, keys) => (suite.macKeyLength > 0 ? new CbcOpener(suite, keys) : new NodeOpener(suite, keys)),
};
