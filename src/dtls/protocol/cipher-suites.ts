/** How the master secret comes about. */
export type KeyExchange = 'psk' | 'ecdhe_psk' | 'ecdhe_ecdsa' | 'ecdhe_rsa' | 'rsa';

/** What a cipher suite stands for. */
export interface CipherSuite {
  /** IANA name. */
  readonly name: string;
  /** IANA number. */
  readonly id: number;
  readonly keyExchange: KeyExchange;
  /** Name of the cipher in node:crypto: an AEAD, or one that takes a MAC beside it (RFC 7366). */
  readonly cipher: 'aes-128-gcm' | 'aes-256-gcm' | 'chacha20-poly1305' | 'aes-256-cbc';
  /** Key length of the MAC in bytes; 0 with an AEAD. */
  readonly macKeyLength: 0 | 20;
  /** Key length in bytes. */
  readonly keyLength: number;
  /** Bytes of the nonce that come from the key block: 4 (salt) or 12 (IV); 0 with CBC. */
  readonly ivLength: number;
  /** Bytes of nonce or IV that each record carries: 8, 0, or 16 with CBC. */
  readonly explicitNonceLength: 0 | 8 | 16;
  /** Bytes that a record adds to its plaintext beyond the 13-byte header: 24 or 16, and 52 at most with CBC, as its padding varies. */
  readonly overhead: number;
  /** Hash of the PRF and of the transcript. */
  readonly hash: 'sha256' | 'sha384';
}

const aes128 = {
  cipher: 'aes-128-gcm',
  macKeyLength: 0,
  keyLength: 16,
  ivLength: 4,
  explicitNonceLength: 8,
  overhead: 24,
  hash: 'sha256',
} as const;
const aes256 = { ...aes128, cipher: 'aes-256-gcm', keyLength: 32, hash: 'sha384' } as const;
const chacha20 = {
  cipher: 'chacha20-poly1305',
  macKeyLength: 0,
  keyLength: 32,
  ivLength: 12,
  explicitNonceLength: 0,
  overhead: 16,
  hash: 'sha256',
} as const;
const aes256Cbc = {
  cipher: 'aes-256-cbc',
  macKeyLength: 20,
  keyLength: 32,
  ivLength: 0,
  explicitNonceLength: 16,
  overhead: 52,
  hash: 'sha256',
} as const;

/** Every suite of the engine by its IANA name (RFC 4279, 5288, 5289, 5487, 7905, 8442). */
export const CIPHER_SUITES = {
  TLS_PSK_WITH_AES_256_GCM_SHA384: { id: 0x00a9, keyExchange: 'psk', ...aes256 },
  TLS_PSK_WITH_AES_128_GCM_SHA256: { id: 0x00a8, keyExchange: 'psk', ...aes128 },
  TLS_PSK_WITH_CHACHA20_POLY1305_SHA256: { id: 0xccab, keyExchange: 'psk', ...chacha20 },
  // For clients without an AEAD, and with encrypt_then_mac only.
  TLS_PSK_WITH_AES_256_CBC_SHA: { id: 0x008d, keyExchange: 'psk', ...aes256Cbc },
  TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384: { id: 0xd002, keyExchange: 'ecdhe_psk', ...aes256 },
  TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256: { id: 0xd001, keyExchange: 'ecdhe_psk', ...aes128 },
  TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256: { id: 0xccac, keyExchange: 'ecdhe_psk', ...chacha20 },
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: { id: 0xc02c, keyExchange: 'ecdhe_ecdsa', ...aes256 },
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: { id: 0xc02b, keyExchange: 'ecdhe_ecdsa', ...aes128 },
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: { id: 0xcca9, keyExchange: 'ecdhe_ecdsa', ...chacha20 },
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: { id: 0xc030, keyExchange: 'ecdhe_rsa', ...aes256 },
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: { id: 0xc02f, keyExchange: 'ecdhe_rsa', ...aes128 },
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: { id: 0xcca8, keyExchange: 'ecdhe_rsa', ...chacha20 },
  // Only for resumption with an out-of-band master secret: the engine does no RSA key transport.
  TLS_RSA_WITH_AES_256_GCM_SHA384: { id: 0x009d, keyExchange: 'rsa', ...aes256 },
  TLS_RSA_WITH_AES_128_GCM_SHA256: { id: 0x009c, keyExchange: 'rsa', ...aes128 },
} as const satisfies Record<string, Omit<CipherSuite, 'name'>>;

/** IANA name of a suite that the engine knows. */
export type CipherSuiteName = keyof typeof CIPHER_SUITES;

const byName = new Map<string, CipherSuite>();
const byId = new Map<number, CipherSuite>();
for (const [name, suite] of Object.entries(CIPHER_SUITES)) {
  const entry: CipherSuite = Object.freeze({ name, ...suite });
  byName.set(name, entry);
  byId.set(entry.id, entry);
}

/** The suite of an IANA name. */
export function cipherSuite(name: CipherSuiteName): CipherSuite {
  return byName.get(name)!;
}

/** The suite of an IANA number, if the engine knows it. */
export function cipherSuiteById(id: number): CipherSuite | undefined {
  return byId.get(id);
}
