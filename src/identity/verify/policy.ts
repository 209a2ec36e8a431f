import type { TokenRefusal } from '../types.ts';
import type { CachedKey } from './key-cache.ts';
import { refusals } from './refusals.ts';
import type { JsonObject } from './strict-json.ts';

/** How far a verifier goes: as the real server, or as Microsoft's guidance for APIs. */
export const TOKEN_POLICIES = ['gateway', 'strict'] as const;
export type TokenPolicy = (typeof TOKEN_POLICIES)[number];

/** Everything a policy judges a token by. The signature has been verified with `key`. */
export interface VerifiedToken {
  readonly claims: Readonly<JsonObject>;
  readonly key: CachedKey;
  /** Seconds since the Unix epoch. */
  readonly now: number;
}

/** The rules of one policy. */
export interface PolicyRules {
  /** Algorithms that may stand in the header. */
  readonly algorithms: readonly string[];
  /** Judges the claims; undefined when nothing is wrong with them. */
  check(token: VerifiedToken): TokenRefusal | undefined;
}

/** Integer seconds; the gateway takes zero for missing (microsoft-tunnel.md §2.4). */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && value !== 0;
}

/** `nbf <= now <= exp`, with `skew` seconds on either side. */
export function checkTimes(claims: Readonly<JsonObject>, now: number, skew: number): TokenRefusal | undefined {
  const { nbf, exp, iat } = claims;
  if (!isTime(nbf)) return refusals.timeMissing('nbf', nbf);
  if (!isTime(exp)) return refusals.timeMissing('exp', exp);
  if (!isTime(iat)) return refusals.timeMissing('iat', iat);
  if (now > exp + skew) return refusals.expired(exp, now, skew);
  return now < nbf - skew ? refusals.notYetValid(nbf, now, skew) : undefined;
}
