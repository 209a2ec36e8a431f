import type { CipherSuite } from '../protocol/cipher-suites.ts';
import { MAX_SEQUENCE, RECORD_HEADER_LENGTH } from '../protocol/constants.ts';
import { nodeRecordProtection } from './node-record-protection.ts';
import { writePlainRecord } from './record.ts';
import type { KeyBlock, RecordOpener, RecordProtection, RecordSealer } from './record-protection.ts';
import { ReplayWindow } from './replay-window.ts';

/** Sequence numbers, keys and replay window of one association: epoch 0 in the clear, epoch 1 protected. */
export class RecordLayer {
  readonly replay = new ReplayWindow();
  suite: CipherSuite | undefined;
  opener: RecordOpener | undefined;
  /** Next sequence number of epoch 0. */
  plainSequence: number;
  /** Next sequence number of epoch 1. */
  sequence = 0;
  #sealer: RecordSealer | undefined;

  constructor(firstSequence = 0) {
    this.plainSequence = firstSequence;
  }

  /** Bytes that a record of this epoch adds to its content. */
  overhead(epoch: 0 | 1): number {
    return epoch === 0 ? RECORD_HEADER_LENGTH : RECORD_HEADER_LENGTH + this.suite!.overhead;
  }

  install(protection: RecordProtection, suite: CipherSuite, keys: KeyBlock, side: 'client' | 'server'): void {
    const [write, read] = side === 'client' ? [keys.client, keys.server] : [keys.server, keys.client];
    this.suite = suite;
    this.#sealer = protection.createSealer(suite, write) ?? nodeRecordProtection.createSealer(suite, write)!;
    this.opener = protection.createOpener(suite, read) ?? nodeRecordProtection.createOpener(suite, read)!;
  }

  /** True when no record may be sent in this epoch any more. */
  exhausted(epoch: 0 | 1): boolean {
    return (epoch === 0 ? this.plainSequence : this.sequence) > MAX_SEQUENCE;
  }

  /** Writes one record and returns its length. The caller has asked `exhausted`. */
  write(
    output: Buffer,
    outputOffset: number,
    type: number,
    epoch: 0 | 1,
    input: Buffer,
    inputOffset: number,
    length: number,
  ): number {
    if (epoch === 0) {
      const body = input.subarray(inputOffset, inputOffset + length);
      return writePlainRecord(output, outputOffset, type, this.plainSequence++, body);
    }
    return this.#sealer!.seal(output, outputOffset, type, 1, this.sequence++, input, inputOffset, length);
  }

  free(): void {
    this.#sealer?.free();
    this.opener?.free();
    this.#sealer = undefined;
    this.opener = undefined;
  }
}
