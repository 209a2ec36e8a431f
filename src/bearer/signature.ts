import type { CryptoKey } from 'jose';
import { compactVerify } from 'jose/jws/compact/verify';
import type { Offload } from '../lib/offload.ts';
import { type JsonObject, parseObject } from '../lib/strict-json.ts';
import { textOf } from './compact-token.ts';
import type { CachedKey } from './key-cache.ts';
import { refusals } from './refusals.ts';
import type { TokenRefusal } from './types.ts';

/** Returns the claims of a token signed by this key, or the reason for refusal. */
export async function verifySignature(
  token: string,
  algorithm: string,
  key: CachedKey,
  offload: Offload,
): Promise<{ readonly claims: JsonObject } | TokenRefusal> {
  if (key.algorithm !== undefined && key.algorithm !== algorithm)
    return refusals.keyAlgorithm(algorithm, key.algorithm);
  let imported: CryptoKey | Uint8Array;
  try {
    imported = await offload.run(() => key.import(algorithm));
  } catch {
    return refusals.keyUnusable(algorithm);
  }
  let payload: Uint8Array;
  try {
    ({ payload } = await offload.run(() => compactVerify(token, imported, { algorithms: [algorithm] })));
  } catch {
    return refusals.signature(key.kid);
  }
  const text = textOf(payload);
  const claims = text === undefined ? 'not-json' : parseObject(text);
  return typeof claims === 'string' ? refusals.payload(claims) : { claims };
}
