import { TunneliteError } from '../../lib/errors.ts';
import { keep } from '../../lib/keep.ts';
import type { CipherSuite } from '../protocol/cipher-suites.ts';
import { MAX_PLAINTEXT, RECORD_HEADER_LENGTH, TAG_LENGTH } from '../protocol/constants.ts';
import type { Libcrypto } from './libcrypto.ts';
import { AAD_LENGTH, fillAad, writeRecordHeader } from './record.ts';
import type { RecordKeys, RecordOpener, RecordProtection, RecordSealer } from './record-protection.ts';

/*
 * Records through the EVP interface of the OpenSSL inside node, in its "TLS" mode: the way in which libssl itself
 * protects records, two calls for each. A context is set up once per direction and key; node:crypto makes one per record.
 *
 *   control(AEAD_TLS1_AAD)  the 13 bytes of additional data, with the length of the record as it will be (seal) or is (open)
 *   run(buffer)             in place: explicit nonce ‖ text ‖ tag
 *
 * In this mode OpenSSL writes the explicit nonce itself and counts it up. It is set to epoch ‖ sequence, as node:crypto's twin writes it,
 * so both produce the same bytes.
 */

// openssl/evp.h
const EVP_CTRL_AEAD_SET_IV_FIXED = 0x12;
const EVP_CTRL_AEAD_TLS1_AAD = 0x16;
/** As the length of SET_IV_FIXED: the whole nonce is given, not only its fixed part. */
const WHOLE_NONCE = -1;

/** CBC is for clients of old: node:crypto is good enough. */
const CIPHER_NAMES: { readonly [C in CipherSuite['cipher']]?: string } = {
  'aes-128-gcm': 'id-aes128-GCM',
  'aes-256-gcm': 'id-aes256-GCM',
  'chacha20-poly1305': 'ChaCha20-Poly1305',
};

/** Memory shared by all contexts of one protection, at a known address. */
class Scratch {
  readonly crypto: Libcrypto;
  readonly bytes: Buffer;
  readonly aad: Buffer;
  readonly aadAddress: number;
  readonly textAddress: number;
  readonly #addresses = new WeakMap<ArrayBufferLike, number>();
  #lastMemory: ArrayBufferLike | undefined;
  #lastAddress = 0;

  constructor(crypto: Libcrypto) {
    this.crypto = crypto;
    this.bytes = Buffer.from(new ArrayBuffer(MAX_PLAINTEXT + 256));
    const memory = new ArrayBuffer(32);
    this.aad = Buffer.from(memory);
    this.aadAddress = crypto.addressOf(memory);
    this.textAddress = crypto.addressOf(this.bytes.buffer);
  }

  /** Address of `buffer[offset]`. The memory of an ArrayBuffer does not move; a detached one has no length and is not asked for. */
  addressOf(buffer: Buffer, offset: number): number {
    const memory = buffer.buffer;
    if (memory !== this.#lastMemory) {
      let address = this.#addresses.get(memory);
      if (address === undefined) {
        address = this.crypto.addressOf(memory);
        this.#addresses.set(memory, address);
      }
      this.#lastMemory = memory;
      this.#lastAddress = address;
    }
    return this.#lastAddress + buffer.byteOffset + offset;
  }
}

/** Frees a context exactly once: by `free`, or when its owner was collected. */
class Context {
  readonly #crypto: Libcrypto;
  #handle: number;

  constructor(crypto: Libcrypto, handle: number) {
    this.#crypto = crypto;
    this.#handle = handle;
  }

  get handle(): number {
    return this.#handle;
  }

  free(): void {
    if (this.#handle === 0) return;
    this.#crypto.freeContext(this.#handle);
    this.#handle = 0;
  }
}

/** The net under `free`: an association that is forgotten instead of closed does not leak what lies outside the heap. */
const forgotten = new FinalizationRegistry<Context>((context) => context.free());

function createContext(scratch: Scratch, suite: CipherSuite, keys: RecordKeys, encrypt: boolean): Context | undefined {
  const { crypto } = scratch;
  const name = CIPHER_NAMES[suite.cipher];
  const handle = name === undefined ? 0 : crypto.newContext();
  if (name === undefined || handle === 0) return undefined;
  const context = new Context(crypto, handle);
  if (crypto.init(handle, name, keys.key, encrypt)) {
    keys.iv.copy(scratch.aad, 16);
    const done = crypto.control(handle, EVP_CTRL_AEAD_SET_IV_FIXED, keys.iv.length, scratch.aadAddress + 16);
    scratch.aad.fill(0);
    if (done > 0) return context;
  }
  context.free();
  crypto.clearErrors();
  return undefined;
}

class EvpSealer implements RecordSealer {
  readonly #scratch: Scratch;
  readonly #context: Context;
  readonly #explicit: number;
  readonly #salt: Buffer;
  /** The sequence number, and epoch, whose nonce OpenSSL will write next. */
  #nextSequence = -1;
  #epoch = -1;

  constructor(scratch: Scratch, context: Context, suite: CipherSuite, keys: RecordKeys) {
    this.#scratch = scratch;
    this.#context = context;
    this.#explicit = suite.explicitNonceLength;
    this.#salt = keep(keys.iv);
    forgotten.register(this, context, context);
  }

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
    const { crypto, aad, aadAddress } = this.#scratch;
    const handle = this.#context.handle;
    const explicit = this.#explicit;
    const body = explicit + length + TAG_LENGTH;
    // These checks protect other memory from errors of the caller.
    if (handle === 0) throw new TunneliteError('ERR_CLOSED', 'A record cannot be sealed with freed keys.');
    if (
      length < 0 ||
      length > MAX_PLAINTEXT ||
      outputOffset < 0 ||
      outputOffset + RECORD_HEADER_LENGTH + body > output.length
    )
      throw new TunneliteError('ERR_INTERNAL', 'A record does not fit into the memory for the sealed record.');
    if (explicit > 0 && (sequence !== this.#nextSequence || epoch !== this.#epoch)) this.#setNonce(epoch, sequence);
    writeRecordHeader(output, outputOffset, type, epoch, sequence, body);
    fillAad(aad, output, outputOffset, explicit + length);
    const start = outputOffset + RECORD_HEADER_LENGTH;
    if (input !== output || inputOffset !== start + explicit) {
      input.copy(output, start + explicit, inputOffset, inputOffset + length);
    }
    const address = this.#scratch.addressOf(output, start);
    if (
      crypto.control(handle, EVP_CTRL_AEAD_TLS1_AAD, AAD_LENGTH, aadAddress) !== TAG_LENGTH ||
      crypto.run(handle, address, address, body) !== body
    ) {
      crypto.clearErrors();
      throw new TunneliteError('ERR_INTERNAL', 'OpenSSL refused to seal a record.');
    }
    this.#nextSequence = sequence + 1;
    return RECORD_HEADER_LENGTH + body;
  }

  free(): void {
    forgotten.unregister(this.#context);
    this.#context.free();
    this.#salt.fill(0);
  }

  #setNonce(epoch: number, sequence: number): void {
    const { crypto, aad, aadAddress } = this.#scratch;
    this.#salt.copy(aad, 16);
    aad.writeUInt16BE(epoch, 20);
    aad.writeUIntBE(sequence, 22, 6);
    if (crypto.control(this.#context.handle, EVP_CTRL_AEAD_SET_IV_FIXED, WHOLE_NONCE, aadAddress + 16) <= 0) {
      crypto.clearErrors();
      throw new TunneliteError('ERR_INTERNAL', 'OpenSSL refused a nonce.');
    }
    this.#epoch = epoch;
    this.#nextSequence = sequence;
  }
}

class EvpOpener implements RecordOpener {
  readonly plaintext: Buffer;
  readonly plaintextOffset: number;
  readonly #scratch: Scratch;
  readonly #context: Context;
  readonly #overhead: number;

  constructor(scratch: Scratch, context: Context, suite: CipherSuite) {
    this.#scratch = scratch;
    this.#context = context;
    this.#overhead = suite.explicitNonceLength + TAG_LENGTH;
    this.plaintext = scratch.bytes;
    this.plaintextOffset = suite.explicitNonceLength;
    forgotten.register(this, context, context);
  }

  open(input: Buffer, offset: number, length: number): number {
    const { crypto, aad, aadAddress, bytes, textAddress } = this.#scratch;
    const handle = this.#context.handle;
    const size = length - this.#overhead;
    if (handle === 0 || size < 0 || size > MAX_PLAINTEXT || offset + RECORD_HEADER_LENGTH + length > input.length)
      return -1;
    fillAad(aad, input, offset, length);
    input.copy(bytes, 0, offset + RECORD_HEADER_LENGTH, offset + RECORD_HEADER_LENGTH + length);
    if (
      crypto.control(handle, EVP_CTRL_AEAD_TLS1_AAD, AAD_LENGTH, aadAddress) === TAG_LENGTH &&
      crypto.run(handle, textAddress, textAddress, length) >= 0
    ) {
      return size;
    }
    crypto.clearErrors();
    return -1;
  }

  free(): void {
    forgotten.unregister(this.#context);
    this.#context.free();
  }
}

/** The accelerated twin of the protection on node:crypto. */
export class EvpRecordProtection implements RecordProtection {
  readonly #scratch: Scratch;

  constructor(crypto: Libcrypto) {
    this.#scratch = new Scratch(crypto);
  }

  createSealer(suite: CipherSuite, keys: RecordKeys): RecordSealer | undefined {
    const context = createContext(this.#scratch, suite, keys, true);
    return context && new EvpSealer(this.#scratch, context, suite, keys);
  }

  createOpener(suite: CipherSuite, keys: RecordKeys): RecordOpener | undefined {
    const context = createContext(this.#scratch, suite, keys, false);
    return context && new EvpOpener(this.#scratch, context, suite);
  }
}
