import type { Garbage } from '../config/fault-members.ts';
import type { RandomSource } from '../lib/random.ts';

const FOREIGN = 'https://login.invalid/00000000-0000-0000-0000-000000000000';
/** Bytes of the modulus of a key of 2048 bits. */
const MODULUS_BYTES = 256;

/** What an endpoint returns instead of its key set or its metadata. */
export function randomGarbage(endpoint: string, as: Garbage, random: RandomSource): string {
  if (as === 'text') return 'no JSON at all <';
  if (endpoint === 'keys') return JSON.stringify({ keys: as === 'empty' ? [] : [foreignKey(random)] });
  return as === 'empty' ? '{}' : JSON.stringify(FOREIGN_METADATA);
}

/** A well-formed key that is never used to sign: no token has its id. */
function foreignKey(random: RandomSource) {
  const modulus = Buffer.from(random.bytes(MODULUS_BYTES));
  modulus[0]! |= 0x80;
  modulus[MODULUS_BYTES - 1]! |= 1;
  const kid = Buffer.from(random.bytes(20)).toString('base64url');
  return { kty: 'RSA', use: 'sig', kid, n: modulus.toString('base64url'), e: 'AQAB' };
}

/** Metadata of another provider, at a reserved name (RFC 6761 §6.4). */
const FOREIGN_METADATA = {
  issuer: `${FOREIGN}/v2.0`,
  authorization_endpoint: `${FOREIGN}/oauth2/v2.0/authorize`,
  token_endpoint: `${FOREIGN}/oauth2/v2.0/token`,
  jwks_uri: `${FOREIGN}/discovery/v2.0/keys`,
  response_types_supported: ['code'],
  subject_types_supported: ['pairwise'],
  id_token_signing_alg_values_supported: ['RS256'],
};
