import { isDeepStrictEqual } from 'node:util';
import type { TokenRefusal } from '../types.ts';
import { checkTimes, type PolicyRules } from './policy.ts';
import { refusals } from './refusals.ts';
import type { JsonObject } from './strict-json.ts';

/** What the server's OIDC configuration can say about claims. */
export interface GatewayPolicyOptions {
  /** Claims that have to be there and equal, as JSON values: an array does not equal a text. */
  readonly requiredClaims: Readonly<Record<string, unknown>>;
  /** Accepted `iss`; empty = not checked. Ours: the real list of required claims is not published. */
  readonly issuers: readonly string[];
  /** String claim that becomes the user name. */
  readonly userNameClaim: string;
  readonly clockSkew: number;
}

/** Everything asymmetric: the real server takes what its JOSE library takes (microsoft-tunnel.md §2.4). */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/**
 * The token check of the real gateway (microsoft-tunnel.md §2.4, openconnect-protocol.md §4.6): times without leeway, required
 * claims by JSON equality, a user name. It knows nothing of tenants, scopes, guests or key-level issuers.
 */
export function gatewayPolicy(options: GatewayPolicyOptions): PolicyRules {
  const required = Object.entries(options.requiredClaims);
  return {
    algorithms: ALGORITHMS,
    check({ claims, now }) {
      const times = checkTimes(claims, now, options.clockSkew);
      if (times) return times;
      for (const [name, expected] of required) {
        if (!isDeepStrictEqual(claims[name], expected)) return mismatch(name, claims, expected);
      }
      const { iss } = claims;
      if (options.issuers.length > 0 && !(typeof iss === 'string' && options.issuers.includes(iss))) {
        return refusals.issuer(iss, options.issuers);
      }
      const name = claims[options.userNameClaim];
      return typeof name === 'string' && name !== '' ? undefined : refusals.userName(options.userNameClaim, name);
    },
  };
}

/** The claims that people know get a reason of their own, and advice unless a list came where a single value is required. */
function mismatch(name: string, claims: Readonly<JsonObject>, expected: unknown): TokenRefusal {
  const came = claims[name];
  const plain = typeof expected === 'string' && !Array.isArray(came);
  const value = String(expected);
  switch (name) {
    case 'aud':
      return plain ? refusals.audience(came, [value]) : refusals.claim(name, came, expected, 'audience');
    case 'tid':
      return plain ? refusals.tenant(came, [value]) : refusals.claim(name, came, expected, 'tenant');
    case 'iss':
      return plain ? refusals.issuer(came, [value]) : refusals.claim(name, came, expected, 'issuer');
    case 'scp':
      return plain ? refusals.scope(came, value, String(claims.aud)) : refusals.claim(name, came, expected, 'scope');
    default:
      return refusals.claim(name, came, expected);
  }
}
