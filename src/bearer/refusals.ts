import { ownString } from '../lib/own-string.ts';
import type { JsonFault } from '../lib/strict-json.ts';
import type { Malformation } from './compact-token.ts';
import type { TokenRefusal, TokenRefusalReason } from './types.ts';

/*
 * Messages for every refusal: what was expected, what came, and what to do. Values from a token are shortened, and their
 * control characters escaped, because the sender chooses them and they end up in logs. The token itself never appears.
 */

/** A value from a token, safe for a log line. */
export function show(value: unknown): string {
  if (value === undefined) return 'missing';
  const text = JSON.stringify(value) ?? String(value);
  const plain = text.replaceAll(/[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '?');
  return plain.length <= 120 ? plain : `${ownString(plain.slice(0, 117))}...`;
}

function list(values: readonly string[]): string {
  return values.length <= 3 ? values.join(' or ') : `${values.slice(0, 3).join(', ')} or ${values.length - 3} more`;
}

function refusal(
  reason: TokenRefusalReason,
  explanation: string,
  details: Readonly<Record<string, unknown>> = {},
): TokenRefusal {
  return { reason, explanation, details };
}

/** Formats seconds: `42 s`, `12 min`, `3 h`. */
function span(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`;
}

function instant(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString().replace('.000Z', 'Z');
}

const MALFORMED: Readonly<Record<Exclude<Malformation, 'missing' | 'too-large'>, string>> = {
  encrypted: 'The token has five parts: it is encrypted. The gateway accepts only signed tokens (three parts).',
  'byte-order-mark':
    'The token begins with a byte order mark, which PowerShell adds to a file written with ">". Write it with "tunnelite token --output <file>", or as ASCII.',
  segments:
    'The token does not have three parts separated by dots. Send only the access token, as returned by the token endpoint.',
  encoding: 'A part of the token is not base64url without padding. It was probably truncated, wrapped or re-encoded.',
  'header-not-json':
    'The header of the token is not a JSON object. Send the access token as returned by the token endpoint.',
  'header-repeated-member': 'The header of the token has a repeated member. No issuer creates such a token.',
  'critical-header': 'The header of the token has "crit": it requires extensions that are not supported.',
  'unencoded-payload':
    'The header of the token has "b64" (RFC 7797): a token with an unencoded payload is not accepted.',
};

const PAYLOAD: Readonly<Record<JsonFault, string>> = {
  'not-json': 'The signature is valid, but the payload of the token is not JSON.',
  'not-an-object': 'The signature is valid, but the payload of the token is not a JSON object.',
  'repeated-member': 'The signature is valid, but the payload of the token has a repeated claim, which is ambiguous.',
  'too-deep': 'The signature is valid, but the payload of the token is nested too deeply.',
};

export const refusals = {
  malformed(what: Malformation, length: number, limit: number): TokenRefusal {
    if (what === 'missing')
      return refusal('missing', 'There is no token. Send "Authorization: Bearer <access token>".');
    if (what === 'too-large') {
      return refusal('too-large', `The token has ${length} characters; the limit is ${limit}.`, { length, limit });
    }
    return refusal('malformed', MALFORMED[what], { what });
  },

  payload(what: JsonFault): TokenRefusal {
    return refusal('malformed', PAYLOAD[what], { what: `payload-${what}` });
  },

  algorithm(came: unknown, allowed: readonly string[]): TokenRefusal {
    const why =
      came === 'none' || came === undefined
        ? 'An unsigned token is never accepted.'
        : typeof came === 'string' && came.startsWith('HS')
          ? 'Anyone who has the public key could forge a token that is signed with it as a shared secret.'
          : 'Entra ID signs with RS256.';
    return refusal('algorithm', `alg is ${show(came)}; the gateway accepts ${list(allowed)}. ${why}`, {
      came: show(came),
      allowed,
    });
  },

  keyAlgorithm(came: string, key: string): TokenRefusal {
    return refusal('algorithm', `alg is ${show(came)}, but the key with this kid is published for ${key} only.`, {
      came,
      allowed: [key],
    });
  },

  keyUnusable(algorithm: string): TokenRefusal {
    return refusal('algorithm', `alg is ${show(algorithm)}, but the key with this kid has another type.`, {
      came: algorithm,
    });
  },

  type(came: unknown): TokenRefusal {
    const hint =
      came === 'at+jwt' ? ' Entra ID does not issue "at+jwt" access tokens; this one comes from another issuer.' : '';
    return refusal('type', `typ is ${show(came)}; it must be exactly "JWT".${hint}`, {
      came: show(came),
      expected: 'JWT',
    });
  },

  noKeyId(came: unknown): TokenRefusal {
    const what =
      came === undefined ? 'The header of the token has no kid' : 'The kid in the header of the token is not a string';
    return refusal('no-key-id', `${what}, so its key is unknown. Tokens of Entra ID always name their key.`);
  },

  unknownKey(kid: string, known: number, next: string): TokenRefusal {
    return refusal('unknown-key', `No key with kid ${show(kid)} is among the ${known} known signing keys. ${next}`, {
      kid: show(kid),
      known,
    });
  },

  keysUnavailable(cause: string): TokenRefusal {
    return refusal('keys-unavailable', `No signing keys could be loaded, so no token can be checked: ${cause}`, {
      cause,
    });
  },

  signature(kid: string): TokenRefusal {
    return refusal(
      'signature',
      `The signature does not match the key with kid ${show(kid)}. The token was changed, or another issuer signed it.`,
      { kid: show(kid) },
    );
  },

  timeMissing(claim: string, came: unknown): TokenRefusal {
    const what = came === undefined ? 'is missing' : `is ${show(came)}`;
    return refusal('claim', `${claim} ${what}; exp, nbf and iat must be whole seconds since 1970.`, {
      claim,
      came: show(came),
    });
  },

  expired(exp: number, now: number, skew: number): TokenRefusal {
    return refusal(
      'expired',
      `exp is ${instant(exp)}, ${span(now - exp)} ago${skewNote(skew)}. Get a new token; if this one is new, compare the clocks.`,
      { exp, now, skew },
    );
  },

  notYetValid(nbf: number, now: number, skew: number): TokenRefusal {
    return refusal(
      'not-yet-valid',
      `nbf is ${instant(nbf)}, ${span(nbf - now)} from now${skewNote(skew)}. Wait, or compare the clocks of issuer and gateway.`,
      { nbf, now, skew },
    );
  },

  audience(came: unknown, accepted: readonly string[]): TokenRefusal {
    return refusal(
      'audience',
      `aud is ${show(came)}; the gateway accepts ${list(accepted)}. Request the scope ${accepted[0]}/.default.`,
      { came: show(came), accepted },
    );
  },

  issuer(came: unknown, accepted: readonly string[], note = ''): TokenRefusal {
    return refusal(
      'issuer',
      `iss is ${show(came)}; the gateway accepts ${list(accepted)}. ${note || 'Sign in at the authority that the gateway is configured with.'}`,
      { came: show(came), accepted },
    );
  },

  version(came: unknown, published: string): TokenRefusal {
    return refusal(
      'issuer',
      `ver is ${show(came)}, but its key is published for ${published} only. Tokens are checked against the metadata of their own version.`,
      { claim: 'ver', came: show(came), expected: published },
    );
  },

  keyIssuer(issuer: unknown, keyIssuer: string): TokenRefusal {
    return refusal(
      'key-issuer',
      `iss is ${show(issuer)}, but its key is published for ${keyIssuer} only. A key is valid for one tenant only.`,
      { came: show(issuer), accepted: [keyIssuer] },
    );
  },

  tenant(came: unknown, accepted: readonly string[]): TokenRefusal {
    return refusal(
      'tenant',
      accepted.length === 0
        ? `tid is ${show(came)}; it must be a tenant id (GUID).`
        : `tid is ${show(came)}; the gateway accepts ${list(accepted)}. Sign in with an account of that tenant, at the authority of the tenant.`,
      { came: show(came), accepted },
    );
  },

  scope(came: unknown, needed: string, audience: string): TokenRefusal {
    return refusal(
      'scope',
      `scp is ${show(came)}; ${needed} is required. Add that permission to the app registration, consent to it, and request ${audience}/.default.`,
      { came: show(came), needed },
    );
  },

  appOnly(audience: string): TokenRefusal {
    return refusal(
      'app-only',
      `The token is for an application without a user (client credentials). Sign in a user and request ${audience}/.default.`,
    );
  },

  guest(): TokenRefusal {
    return refusal(
      'guest',
      'The user is a guest of the tenant (acct is 1, or idp is another issuer). Sign in with a member account, or accept guests in the configuration.',
    );
  },

  claim(name: string, came: unknown, expected: unknown, reason: TokenRefusalReason = 'claim'): TokenRefusal {
    const array = Array.isArray(came) && !Array.isArray(expected) ? ' A list does not equal a single value.' : '';
    return refusal(reason, `${name} is ${show(came)}; the gateway requires ${show(expected)}.${array}`, {
      claim: name,
      came: show(came),
      expected: show(expected),
    });
  },

  userName(claim: string, came: unknown): TokenRefusal {
    return refusal(
      'claim',
      `${claim} is ${show(came)}, but it must be the user name (a string). Configure the issuer to add that claim, or the gateway to use another one.`,
      { claim, came: show(came) },
    );
  },

  client(came: unknown, accepted: readonly string[]): TokenRefusal {
    return refusal(
      'claim',
      `The client of the token is ${show(came)}; the gateway accepts ${list(accepted)}. Sign in with an allowed app.`,
      { claim: 'azp', came: show(came), accepted },
    );
  },

  revoked(): TokenRefusal {
    return refusal('revoked', 'The token is on the revocation list of the gateway. Sign in again.');
  },
} as const;

function skewNote(skew: number): string {
  return skew === 0 ? ' (no clock skew is allowed)' : ` (${skew} s of clock skew are allowed)`;
}
