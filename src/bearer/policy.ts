import { isDeepStrictEqual } from 'node:util';
import { plainText } from '../lib/printable.ts';
import type { JsonObject } from '../lib/strict-json.ts';
import type { CachedKey } from './key-cache.ts';
import { refusals, show } from './refusals.ts';
import type { TokenRefusal } from './types.ts';

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

/** One thing that has to be right about the claims of a token. */
export interface ClaimCheck {
  /** A word for it. */
  readonly name: string;
  /** Claims that it looks at. */
  readonly claims: readonly string[];
  /** What it wants, for people. */
  readonly wants: string;
  /** True when it has to know which key signed. */
  readonly needsKey?: boolean;
  /** Undefined when nothing is wrong. */
  judge(token: VerifiedToken): TokenRefusal | undefined;
}

/** The rules of one policy. */
export interface PolicyRules {
  /** Algorithms that may stand in the header. */
  readonly algorithms: readonly string[];
  /** In their order: the first that is not met is what a login is refused for. */
  readonly checks: readonly ClaimCheck[];
}

/** What a login is refused for; undefined when nothing is wrong with the claims. */
export function firstRefusal({ checks }: PolicyRules, token: VerifiedToken): TokenRefusal | undefined {
  for (const check of checks) {
    const refusal = check.judge(token);
    if (refusal) return refusal;
  }
  return undefined;
}

/** The check of the times: every policy has it. */
export function timesCheck(skew: number): ClaimCheck {
  const leeway = skew === 0 ? 'no clock skew' : `${skew} s of clock skew`;
  return {
    name: 'times',
    claims: ['nbf', 'exp', 'iat'],
    wants: `whole seconds, and now between nbf and exp, with ${leeway}`,
    judge: ({ claims, now }) => checkTimes(claims, now, skew),
  };
}

/** The checks of claims that have to be there and equal: each by itself. */
export function requiredChecks(required: readonly RequiredClaim[]): readonly ClaimCheck[] {
  return required.map((one) => ({
    name: one[0],
    claims: [one[0]],
    wants: show(one[1]),
    judge: ({ claims }) => checkRequired(claims, [one]),
  }));
}

/** The check of the user name: every policy has it. */
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
 * `nbf <= now < exp`, with `skew` seconds on either side (RFC 7519 §4.1.4: not on or after `exp`). Times in tokens are whole seconds: were the
 * second of `exp` part of it, a token would be good for up to a second longer than it was made for.
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

/** A claim by a name that comes from a configuration: never something inherited. */
function own(claims: Readonly<JsonObject>, name: string): unknown {
  return Object.hasOwn(claims, name) ? claims[name] : undefined;
}

/** The user name must be present (ocserv 1.3.0, `auth/openidconnect.c`). */
export function checkUserName(claims: Readonly<JsonObject>, claim: string): TokenRefusal | undefined {
  const name = own(claims, claim);
  return typeof name === 'string' && name !== '' ? undefined : refusals.userName(claim, name);
}

/** The claims that people know get a reason of their own, and advice unless a list came where a single value is required. */
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
