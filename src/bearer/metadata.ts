import type { JWK } from 'jose';
import { TunneliteError } from '../lib/errors.ts';
import { FETCH_TIMEOUT, MAX_DOCUMENT_BYTES, MAX_KEYS, MIN_RSA_BITS } from './constants.ts';
import type { FetchJson } from './fetch-json.ts';

/** The parts of an issuer's metadata document that a verifier uses. */
export interface IssuerMetadata {
  /** URL of the document. */
  readonly url: string;
  /** Exact issuer, or for `common` and `organizations` one with the literal `{tenantid}`. */
  readonly issuer: string;
  readonly keySetUrl: string;
}

/** One published public key, reduced to the members that a verifier needs. */
export interface KeyEntry {
  readonly kid: string;
  readonly jwk: JWK;
  /** Key-level issuer: a template with `{tenantid}` or an exact one. */
  readonly issuer: string | undefined;
}

/** Longest accepted string; for a modulus in base64url, this is 12,288 bits. */
const MAX_TEXT = 2048;

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT ? value : undefined;
}

function bad(url: string, what: string): TunneliteError {
  return new TunneliteError('ERR_IDENTITY_FETCH', `${url} ${what}`, { details: { reason: 'content', url } });
}

const LIMITS = { maxBytes: MAX_DOCUMENT_BYTES, timeout: FETCH_TIMEOUT } as const;

/** Parses a metadata document. @throws TunneliteError `ERR_IDENTITY_FETCH` */
export async function fetchMetadata(url: string, fetchJson: FetchJson): Promise<IssuerMetadata> {
  const document = (await fetchJson(url, LIMITS)) as Record<string, unknown> | null;
  const issuer = text(document?.issuer);
  const keySetUrl = text(document?.jwks_uri);
  if (!issuer || !keySetUrl) throw bad(url, 'is not OpenID metadata: "issuer" or "jwks_uri" is missing.');
  return { url, issuer, keySetUrl };
}

/** Parses a key set, skipping keys of other uses and types. @throws TunneliteError `ERR_IDENTITY_FETCH` */
export async function fetchKeySet(url: string, fetchJson: FetchJson): Promise<readonly KeyEntry[]> {
  const document = (await fetchJson(url, LIMITS)) as Record<string, unknown> | null;
  const list = document?.keys;
  if (!Array.isArray(list)) throw bad(url, 'is not a key set: "keys" is missing.');
  const keys = list.slice(0, MAX_KEYS).flatMap((value: unknown) => readKey(value) ?? []);
  if (keys.length === 0) throw bad(url, 'has no key that can verify a token.');
  return keys;
}

function readKey(value: unknown): KeyEntry | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const key = value as Record<string, unknown>;
  const kid = text(key.kid);
  if (!kid || (key.use !== undefined && key.use !== 'sig')) return undefined;
  const jwk = publicMembers(key);
  if (!jwk) return undefined;
  const alg = text(key.alg);
  return { kid, jwk: alg ? { ...jwk, alg } : jwk, issuer: text(key.issuer) };
}

/** Only the members of a public key: a key set can import neither a secret key (`k`) nor a private one (`d`). */
function publicMembers(key: Record<string, unknown>): JWK | undefined {
  const [n, e, x, y, crv] = ['n', 'e', 'x', 'y', 'crv'].map((name) => text(key[name]));
  if (key.kty === 'RSA' && n && e) {
    const bits = Buffer.from(n, 'base64url').length * 8;
    return bits >= MIN_RSA_BITS ? { kty: 'RSA', n, e } : undefined;
  }
  return key.kty === 'EC' && x && y && crv ? { kty: 'EC', x, y, crv } : undefined;
}
