import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  timingSafeEqual,
} from 'node:crypto';
import { systemRandom } from '../../lib/random.ts';
import type { CipherSuite } from '../protocol/cipher-suites.ts';
import { MAX_PLAINTEXT, RECORD_HEADER_LENGTH } from '../protocol/constants.ts';
import { AAD_LENGTH, fillAad, writeRecordHeader } from './record.ts';
import type { RecordKeys, RecordOpener, RecordSealer } from './record-protection.ts';

/*
 * AES-CBC with an HMAC over the ciphertext (RFC 7366; RFC 5246 §6.2.3.2 for the rest): for clients without AEAD. The older order, which
 * authenticates the plaintext, is not supported: JavaScript cannot prevent it from leaking secrets through its timing.
 *
 *   header 13 | IV 16 | ciphertext of (text, padding, its length) | MAC 20
 */

const BLOCK = 16;
const MAC_LENGTH = 20;
const aad = Buffer.alloc(AAD_LENGTH);
const iv = Buffer.alloc(BLOCK);
// Shared, so that an idle association does not keep its last record in memory.
let opened: Buffer = Buffer.alloc(0);

class CbcKeys {
  protected readonly suite: CipherSuite;
  protected readonly key: KeyObject;
  readonly #mac: KeyObject;

  constructor(suite: CipherSuite, keys: RecordKeys) {
    this.suite = suite;
    this.key = createSecretKey(keys.key);
    this.#mac = createSecretKey(keys.mac!);
  }

  /** MAC of the record whose header is at `buffer[offset]`, over `length` bytes of IV and ciphertext. */
  protected mac(buffer: Buffer, offset: number, length: number): Buffer {
    fillAad(aad, buffer, offset, length);
    const body = offset + RECORD_HEADER_LENGTH;
    return createHmac('sha1', this.#mac)
      .update(aad)
      .update(buffer.subarray(body, body + length))
      .digest();
  }

  free(): void {
    // The keys are garbage-collected.
  }
}

export class CbcSealer extends CbcKeys implements RecordSealer {
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
    const padding = BLOCK - 1 - (length % BLOCK);
    const body = BLOCK + length + padding + 1;
    const start = outputOffset + RECORD_HEADER_LENGTH;
    systemRandom.fill(iv);
    const cipher = createCipheriv(this.suite.cipher, this.key, iv).setAutoPadding(false);
    const head = cipher.update(input.subarray(inputOffset, inputOffset + length));
    const tail = cipher.update(Buffer.alloc(padding + 1, padding));
    writeRecordHeader(output, outputOffset, type, epoch, sequence, body + MAC_LENGTH);
    output.set(iv, start);
    output.set(head, start + BLOCK);
    output.set(tail, start + BLOCK + head.length);
    output.set(this.mac(output, outputOffset, body), start + body);
    return RECORD_HEADER_LENGTH + body + MAC_LENGTH;
  }
}

export class CbcOpener extends CbcKeys implements RecordOpener {
  readonly plaintextOffset = 0;

  get plaintext(): Buffer {
    return opened;
  }

  open(input: Buffer, offset: number, length: number): number {
    const body = length - MAC_LENGTH;
    if (body < 2 * BLOCK || body % BLOCK !== 0 || body > MAX_PLAINTEXT + 2 * BLOCK) return -1;
    const start = offset + RECORD_HEADER_LENGTH;
    const mac = input.subarray(start + body, start + length);
    if (mac.length !== MAC_LENGTH || !timingSafeEqual(mac, this.mac(input, offset, body))) return -1;
    const vector = input.subarray(start, start + BLOCK);
    const decipher = createDecipheriv(this.suite.cipher, this.key, vector).setAutoPadding(false);
    const text = decipher.update(input.subarray(start + BLOCK, start + body));
    // The record is authentic: invalid padding only shows a defect of the sender.
    const padding = text[text.length - 1]!;
    const plain = text.length - padding - 1;
    if (plain < 0 || plain > MAX_PLAINTEXT) return -1;
    for (let i = plain; i < text.length; i++) if (text[i] !== padding) return -1;
    opened = text;
    return plain;
  }
}
