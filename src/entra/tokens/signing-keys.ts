import { createHash, createPrivateKey, createPublicKey, type KeyObject, webcrypto, X509Certificate } from 'node:crypto';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { directly, type Offload } from '../../lib/offload.ts';
import { type RandomSource, systemRandom } from '../../lib/random.ts';
import { Turns } from '../../lib/turns.ts';

/**
 * State of a key. A normal rollover passes through all states; an emergency rollover drops every key but the new one.
 *
 * ```
 *  prepareNext()        rotate()            rotate() again
 *  ───────────▶ next ───────────▶ current ───────────────▶ previous ──▶ gone
 *  published    published         published, signs         published
 * ```
 */
const KEY_STATES = ['next', 'current', 'previous'] as const;
export type KeyState = (typeof KEY_STATES)[number];

/** One RSA key pair with its metadata for the key set. */
export interface SigningKey {
  /** SHA-1 thumbprint of the certificate, base64url: also the `x5t`. */
  readonly kid: string;
  readonly state: KeyState;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Self-signed certificate, base64 of the DER. */
  readonly certificate: string;
  /** Milliseconds since the Unix epoch. */
  readonly createdAt: number;
  /** If set, the key signs only for this tenant: its `issuer` in the key set is fixed instead of a template. */
  readonly tenantId: string | undefined;
}

/** A public key (RFC 7517) with the members of Entra's published key sets. */
export interface PublishedKey {
  readonly kty: 'RSA';
  readonly use: 'sig';
  readonly kid: string;
  readonly x5t: string;
  readonly n: string;
  readonly e: string;
  readonly x5c?: readonly string[];
  /** v2 sets only: the template with `{tenantid}`, or one fixed issuer. */
  readonly issuer?: string;
}

export interface PublishedKeySet {
  readonly keys: readonly PublishedKey[];
}

interface StoredKeys {
  readonly format: 'tunnelite-signing-keys';
  readonly version: 1;
  readonly keys: readonly {
    readonly state: KeyState;
    readonly createdAt: number;
    readonly tenantId?: string;
    readonly x5c: string;
    readonly jwk: webcrypto.JsonWebKey;
  }[];
}

const RSA_BITS = 2048;

async function generate(clock: Clock, random: RandomSource, state: KeyState, tenantId?: string): Promise<SigningKey> {
  const [{ selfSignedCertificate }, pair] = await Promise.all([
    import('./self-signed.ts'),
    webcrypto.subtle.generateKey(
      {
        name: 'RSASSA-PKCS1-v1_5',
        hash: 'SHA-256',
        modulusLength: RSA_BITS,
        publicExponent: new Uint8Array([1, 0, 1]),
      },
      true,
      ['sign', 'verify'],
    ),
  ]);
  // A serial number is positive: the first bit must be zero.
  const serial = random.bytes(16);
  serial[0] = (serial[0]! & 0x7f) | 0x40;
  const now = clock.now();
  const der = await selfSignedCertificate(pair, serial.toString('hex'), now);
  const jwk = await webcrypto.subtle.exportKey('jwk', pair.privateKey);
  return assemble(jwk, der, state, now, tenantId);
}

function assemble(
  jwk: webcrypto.JsonWebKey,
  der: Buffer,
  state: KeyState,
  createdAt: number,
  tenantId: string | undefined,
): SigningKey {
  const privateKey = createPrivateKey({ key: jwk as never, format: 'jwk' });
  return {
    kid: createHash('sha1').update(der).digest('base64url'),
    state,
    privateKey,
    publicKey: createPublicKey(privateKey),
    certificate: der.toString('base64'),
    createdAt,
    tenantId,
  };
}

/** A change of the keys; `kid` is the changed key. */
export interface KeyChange {
  readonly change: 'prepared' | 'rotated' | 'emergency' | 'bound' | 'restored';
  readonly kid: string;
}

/** Dependencies and options of {@link SigningKeys}. */
export interface SigningKeysOptions {
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Queue for key generation. Default: none; it runs directly. */
  readonly offload?: Offload;
  /** Called after each change: the place to write {@link SigningKeys.serialize} to disk, and to log the change. */
  readonly onChange?: (change: KeyChange) => void;
}

/**
 * The signing keys of the built-in Entra ID: RS256, `kid` = thumbprint, normal and emergency rollover (Microsoft: "Signing key rollover").
 *
 * @example
 * ```ts
 * const keys = await SigningKeys.create();
 * await keys.rotate(); // the old key stays published as "previous"
 * writeFileSync(path, keys.serialize(), { mode: 0o600 });
 * ```
 */
export class SigningKeys {
  #keys: readonly SigningKey[];
  /** Concurrent rollovers run one after the other. */
  readonly #turns = new Turns();
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #offload: Offload;
  readonly #onChange: SigningKeysOptions['onChange'];

  private constructor(keys: readonly SigningKey[], options: SigningKeysOptions) {
    this.#keys = keys;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#offload = options.offload ?? directly;
    this.#onChange = options.onChange;
  }

  /** Creates one new key (about 100 ms on a thread of the pool). */
  static async create(options: SigningKeysOptions = {}): Promise<SigningKeys> {
    const key = await generate(options.clock ?? systemClock, options.random ?? systemRandom, 'current');
    return new SigningKeys([key], options);
  }

  /**
   * Parses the output of {@link SigningKeys.serialize}.
   *
   * @throws TunneliteError `ERR_IDENTITY_KEYS_INVALID` when the string is not such a file, or a key in it is damaged
   */
  static load(text: string, options: SigningKeysOptions = {}): SigningKeys {
    let keys: SigningKey[];
    try {
      const stored = JSON.parse(text) as StoredKeys;
      if (stored.format !== 'tunnelite-signing-keys' || stored.version !== 1) throw new Error('Unknown format.');
      keys = stored.keys.map((entry) => {
        if (!KEY_STATES.includes(entry.state)) throw new Error(`Unknown key state ${String(entry.state)}.`);
        const der = Buffer.from(entry.x5c, 'base64');
        const key = assemble(entry.jwk, der, entry.state, Number(entry.createdAt), entry.tenantId);
        if (!new X509Certificate(der).publicKey.equals(key.publicKey)) {
          throw new Error(`The certificate of key ${key.kid} belongs to another key.`);
        }
        return key;
      });
      if (keys.filter((key) => key.state === 'current').length !== 1) {
        throw new Error('Exactly one key must be current.');
      }
    } catch (cause) {
      throw new TunneliteError('ERR_IDENTITY_KEYS_INVALID', undefined, { cause });
    }
    return new SigningKeys(keys, options);
  }

  /** JSON with the private keys: a secret, to be stored with mode 0600. */
  serialize(): string {
    const stored: StoredKeys = {
      format: 'tunnelite-signing-keys',
      version: 1,
      keys: this.#keys.map((key) => ({
        state: key.state,
        createdAt: key.createdAt,
        ...(key.tenantId === undefined ? {} : { tenantId: key.tenantId }),
        x5c: key.certificate,
        jwk: key.privateKey.export({ format: 'jwk' }) as webcrypto.JsonWebKey,
      })),
    };
    return `${JSON.stringify(stored, undefined, 1)}\n`;
  }

  /** The current signing key. */
  get current(): SigningKey {
    return this.#keys.find((key) => key.state === 'current')!;
  }

  /** All published keys; the order has no meaning. */
  get all(): readonly SigningKey[] {
    return this.#keys;
  }

  /** The published key with this ID. */
  find(kid: string): SigningKey | undefined {
    return this.#keys.find((key) => key.kid === kid);
  }

  /** Publishes the key for the next {@link rotate}; returns the waiting one if there is one. */
  prepareNext(): Promise<SigningKey> {
    return this.#turns.run(async () => {
      const waiting = this.#keys.find((key) => key.state === 'next');
      if (waiting) return waiting;
      const next = await this.#addNext();
      this.#onChange?.({ change: 'prepared', kid: next.kid });
      return next;
    });
  }

  /** Normal rollover: the next key starts signing, the current one stays published, older ones are removed. */
  rotate(): Promise<SigningKey> {
    return this.#turns.run(async () => {
      const next = this.#keys.find((key) => key.state === 'next') ?? (await this.#addNext());
      const current: SigningKey = { ...next, state: 'current' };
      this.#keys = [current, { ...this.current, state: 'previous' }];
      this.#onChange?.({ change: 'rotated', kid: current.kid });
      return current;
    });
  }

  /** Emergency rollover: a new key starts signing, and all others leave the key set at once. */
  emergencyRotate(): Promise<SigningKey> {
    return this.#turns.run(async () => {
      const current = await this.#generate('current');
      this.#keys = [current];
      this.#onChange?.({ change: 'emergency', kid: current.kid });
      return current;
    });
  }

  /** Binds the current key to one tenant (its `issuer` becomes fixed), or removes the binding. */
  bindCurrent(tenantId: string | undefined): void {
    this.#keys = this.#keys.map((key) => (key.state === 'current' ? { ...key, tenantId } : key));
    this.#onChange?.({ change: 'bound', kid: this.current.kid });
  }

  /** Restores keys that {@link SigningKeys.all} returned earlier: their tokens become valid again, those of later keys invalid. */
  restore(keys: readonly SigningKey[]): Promise<void> {
    return this.#turns.run(async () => {
      if (this.#keys === keys) return;
      this.#keys = keys;
      this.#onChange?.({ change: 'restored', kid: this.current.kid });
    });
  }

  /**
   * The key set document.
   *
   * @param version v2 sets carry a key-level `issuer`, v1 sets do not
   * @param issuerTemplate v2 issuer with the literal `{tenantid}`
   */
  keySet(
    version: 1 | 2,
    issuerTemplate: string,
    shape: { readonly withoutCertificates?: boolean } = {},
  ): PublishedKeySet {
    const keys = this.#keys.map((key): PublishedKey => {
      const jwk = key.publicKey.export({ format: 'jwk' });
      return {
        kty: 'RSA',
        use: 'sig',
        kid: key.kid,
        x5t: key.kid,
        n: jwk.n!,
        e: jwk.e!,
        ...(shape.withoutCertificates ? {} : { x5c: [key.certificate] }),
        ...(version === 1
          ? {}
          : { issuer: key.tenantId ? issuerTemplate.replace('{tenantid}', key.tenantId) : issuerTemplate }),
      };
    });
    return { keys };
  }

  #generate(state: KeyState): Promise<SigningKey> {
    return this.#offload.run(() => generate(this.#clock, this.#random, state));
  }

  async #addNext(): Promise<SigningKey> {
    const next = await this.#generate('next');
    this.#keys = [...this.#keys.filter((key) => key.state !== 'next'), next];
    return next;
  }
}
