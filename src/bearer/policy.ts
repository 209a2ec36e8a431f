import { isDeepStrictEqual } from 'node:util';
import { plainText } from '../lib/printable.ts';
import type { JsonObject } from '../lib/strict-json.ts';
import type { CachedKey } from './key-cache.ts';
import { refusals, show } from './refusals.ts';
import type { TokenRefusal } from './types.ts';

/** How strict a verifier is: like the real server, or like Microsoft's guidance for APIs. */
export const TOKEN_POLICIES = ['gateway', 'strict'] as const;
export type TokenPolicy = (typeof TOKEN_POLICIES)[number];

/** The input of a policy. The signature has been verified with `key`. */
export interface VerifiedToken {
  readonly claims: Readonly<JsonObject>;
  readonly key: CachedKey;
  /** Seconds since the Unix epoch. */
  readonly now: number;
}

/** One requirement on the claims of a token. */
export interface ClaimCheck {
  /** A one-word name. */
  readonly name: string;
  /** Claims that the check reads. */
  readonly claims: readonly string[];
  /** The requirement, in readable form. */
  readonly wants: string;
  /** True if the check needs the signing key. */
  readonly needsKey?: boolean;
  /** Returns undefined when the token passes. */
  judge(token: VerifiedToken): TokenRefusal | undefined;
}

/** The rules of one policy. */
export interface PolicyRules {
  /** Allowed values of `alg`. */
  readonly algorithms: readonly string[];
  /** In order: the first failed check becomes the reason for refusal. */
  readonly checks: readonly ClaimCheck[];
}

/** Returns the reason for refusal; undefined when the claims pass. */
export function firstRefusal({ checks }: PolicyRules, token: VerifiedToken): TokenRefusal | undefined {
  for (const check of checks) {
    const refusal = check.judge(token);
    if (refusal) return refusal;
  }
  return undefined;
}

/** Checks the times; part of every policy. */
export function timesCheck(skew: number): ClaimCheck {
  const leeway = skew === 0 ? 'no clock skew' : `${skew} s of clock skew`;
  return {
    name: 'times',
    claims: ['nbf', 'exp', 'iat'],
    wants: `whole seconds, and now between nbf and exp, with ${leeway}`,
    judge: ({ claims, now }) => checkTimes(claims, now, skew),
  };
}

/** One check for each claim that must be present and equal. */
export function requiredChecks(required: readonly RequiredClaim[]): readonly ClaimCheck[] {
  return required.map((one) => ({
    name: one[0],
    claims: [one[0]],
    wants: show(one[1]),
    judge: ({ claims }) => checkRequired(claims, [one]),
  }));
}

/** Checks the user name; part of every policy. */
export function userNameCheck(claim: string): ClaimCheck {
  return {
    name: 'user name',
    claims: [claim],
    wants: 'a string',
    judge: ({ claims }) => checkUserName(claims, claim),
  };
}

/** Integer seconds; the gateway treats zero as missing (microsoft/mstunnel-ocserv, `src/auth/openidconnect.c`). */
function isTime(value: unknown): value is number {
  return Number.isSafeInteger(value) && value !== 0;
}

/**
 * `nbf <= now < exp`, with `skew` seconds on either side (RFC 7519 §4.1.4: not on or after `exp`). Token times are whole seconds: including
 * the second of `exp` would extend a token by up to a second.
 */
export function checkTimes(claims: Readonly<JsonObject>, now: number, skew: number): TokenRefusal | undefined {
  const { nbf, exp, iat } = claims;
  if (!isTime(nbf)) return refusals.timeMissing('nbf', nbf);
  if (!isTime(exp)) return refusals.timeMissing('exp', exp);
  if (!isTime(iat)) return refusals.timeMissing('iat', iat);
  if (now >= exp + skew) return refusals.expired(exp, now, skew);
  return now < nbf - skew ? refusals.notYetValid(nbf, now, skew) : undefined;
}

/** Every required claim is present and equal as a JSON value: a list does not equal a string (microsoft/mstunnel-ocserv, `doc/README-oidc.md`). */
export function checkRequired(
  claims: Readonly<JsonObject>,
  required: readonly RequiredClaim[],
): TokenRefusal | undefined {
  const wrong = required.find(([name, expected]) => !isDeepStrictEqual(own(claims, name), expected));
  return wrong && mismatch(wrong[0], claims, wrong[1]);
}

export type RequiredClaim = readonly [name: string, expected: unknown];

/** Reads a claim whose name comes from a configuration; never an inherited member. */
function own(claims: Readonly<JsonObject>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** The user name must be present (ocserv 1.3.0, `auth/openidconnect.c`). */
export function checkUserName(claims: Readonly<JsonObject>, claim: string): TokenRefusal | undefined {
  const name = own(claims, claim);
  return typeof name === 'string' && name !== '' ? undefined : refusals.userName(claim, name);
}

/** Well-known claims have their own reason, plus advice unless a list came where a single value is required. */
function mismatch(name: string, claims: Readonly<JsonObject>, expected: unknown): TokenRefusal {
  const came = own(claims, name);
  const plain = typeof expected === 'string' && !Array.isArray(came);
  const value = plainText(expected);
  switch (name) {
    case 'aud':
      return plain ? refusals.audience(came, [value]) : refusals.claim(name, came, expected, 'audience');
    case 'tid':
      return plain ? refusals.tenant(came, [value]) : refusals.claim(name, came, expected, 'tenant');
    case 'iss':
      return plain ? refusals.issuer(came, [value]) : refusals.claim(name, came, expected, 'issuer');
    case 'scp':
      return plain ? refusals.scope(came, value, plainText(claims.aud)) : refusals.claim(name, came, expected, 'scope');
    default:
      return refusals.claim(name, came, expected);
  }
}
