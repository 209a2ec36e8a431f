import type { CipherSuite } from '../protocol/cipher-suites.ts';

/*
 * The port behind which records are sealed and opened. `node-record-protection.ts` is the implementation on
 * `node:crypto` that works everywhere; an accelerator is a twin of it and is tested against it.
 *
 * A record on the wire (RFC 6347 §4.1, RFC 5288 §3):
 *
 *   type 1 | version 2 | epoch 2 | sequence 6 | length 2 | explicit nonce 0 or 8 | ciphertext | tag 16
 *   └──────────────────── 13 ───────────────────────────┘└────────────── `length` bytes ───────────┘
 *
 * Additional data: epoch ‖ sequence (8) ‖ type ‖ version ‖ plaintext length (2), 13 bytes in all.
 * Nonce of AES-GCM: salt (4) ‖ explicit nonce (8); of ChaCha20-Poly1305: IV (12) xor (0⁴ ‖ epoch ‖ sequence), RFC 7905.
 */

/** Keys of one direction. `iv` is the 4-byte salt of AES-GCM, or the 12-byte IV of ChaCha20-Poly1305; `mac` is for CBC only. */
export interface RecordKeys {
  readonly key: Buffer;
  readonly iv: Buffer;
  readonly mac?: Buffer;
}

/** Keys of both directions. */
export interface KeyBlock {
  readonly client: RecordKeys;
  readonly server: RecordKeys;
}

/** Seals the records that one side sends in one epoch. Not re-entrant. */
export interface RecordSealer {
  /**
   * Writes one whole record, header included, at `output[outputOffset…]` and returns its length, which is
   * `length + 13 + overhead` of the suite (37 bytes more for AES-GCM, 29 for ChaCha20-Poly1305), or less with CBC.
   *
   * `input` and `output` may be the same Buffer only if the plaintext lies where its ciphertext goes: at
   * `outputOffset + 13 + explicit nonce length`. The caller guarantees room, and that (epoch, sequence) is new.
   *
   * The arguments stand one by one because this is called for each record: as one object they cost 6 % more time with AES-128-GCM
   * through `EVP_*`, and leave garbage for each record where otherwise there is none.
   */
  seal(
    output: Buffer,
    outputOffset: number,
    type: number,
    epoch: number,
    sequence: number,
    input: Buffer,
    inputOffset: number,
    length: number,
  ): number;
  /** Releases what lies outside the JavaScript heap; later calls of `seal` are a fault of the caller. Idempotent. */
  free(): void;
}

/** Opens the records that one side receives in one epoch. Not re-entrant. */
export interface RecordOpener {
  /** Where the last successful `open` put the plaintext: valid until the next `open` of any opener. */
  readonly plaintext: Buffer;
  /** Offset of the plaintext in `plaintext`. */
  readonly plaintextOffset: number;
  /**
   * Authenticates and decrypts the record whose 13-byte header begins at `input[offset]` and whose header announces
   * `length` more bytes, all of them present in `input`. Returns the number of plaintext bytes, or -1 when the record
   * is too short, too long or not authentic. Never throws, and never changes `input`: a failed record is tried with
   * another association's opener.
   */
  open(input: Buffer, offset: number, length: number): number;
  /** As {@link RecordSealer.free}. */
  free(): void;
}

/** Makes the sealers and openers of an endpoint. */
export interface RecordProtection {
  /** `undefined` when this implementation does not do that suite; the engine then falls back on node:crypto. */
  createSealer(suite: CipherSuite, keys: RecordKeys): RecordSealer | undefined;
  createOpener(suite: CipherSuite, keys: RecordKeys): RecordOpener | undefined;
}
