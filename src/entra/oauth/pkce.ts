import { createHash } from 'node:crypto';
import type { CodeGrant } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { equalText } from './users.ts';

// RFC 7636 §4.1, §4.2: 43 to 128 unreserved characters.
const UNRESERVED = /^[A-Za-z0-9\-._~]{43,128}$/;

/**
 * Parses `code_challenge` and `code_challenge_method` of an authorize request.
 *
 * @throws AadstsError 50147 wrong size or characters, 90100 unknown method
 */
export function readChallenge(value: string | undefined, method: string | undefined): CodeGrant['challenge'] {
  if (value === undefined) {
    if (method !== undefined) throw new AadstsError(900144, { field: 'code_challenge' });
    return undefined;
  }
  if (!UNRESERVED.test(value)) throw new AadstsError(50147);
  if (method !== undefined && method !== 'S256' && method !== 'plain') {
    throw new AadstsError(90100, { field: 'code_challenge_method' });
  }
  return { value, method: method ?? 'plain' };
}

/** @throws AadstsError 501491 malformed or missing; 501481 a mismatch, or a verifier without a challenge */
export function checkVerifier(challenge: CodeGrant['challenge'], verifier: string | undefined): void {
  if (!challenge) {
    if (verifier !== undefined) throw new AadstsError(501481);
    return;
  }
  if (verifier === undefined || !UNRESERVED.test(verifier)) throw new AadstsError(501491);
  const shown = challenge.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier;
  if (!equalText(shown, challenge.value)) throw new AadstsError(501481);
}
