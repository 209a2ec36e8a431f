import { type ClaimCheck, type PolicyRules, requiredChecks, timesCheck, userNameCheck } from './policy.ts';
import { refusals } from './refusals.ts';

/** The claim settings of the server's OIDC configuration. */
export interface GatewayPolicyOptions {
  /** Claims that must be present and equal as JSON values: an array does not equal a string. */
  readonly requiredClaims: Readonly<Record<string, unknown>>;
  /** Accepted `iss`; empty = not checked. Own choice: the real list of required claims is not published. */
  readonly issuers: readonly string[];
  /** String claim that becomes the user name. */
  /** Maps an `iss` to its name in `issuers`. */
  readonly canonicalIssuer: (issuer: string) => string;
  readonly userNameClaim: string;
  readonly clockSkew: number;
}

/** All asymmetric algorithms: the real server accepts what its JOSE library (cjose) accepts. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512'];

/**
 * The token check of the real gateway (microsoft/mstunnel-ocserv and ocserv 1.3.0, `openidconnect.c`): times without leeway, required
 * claims by JSON equality, a user name. It does not check tenants, scopes, guests or key-level issuers.
 */
export function gatewayPolicy(options: GatewayPolicyOptions): PolicyRules {
  const { issuers, canonicalIssuer } = options;
  const issuer: ClaimCheck = {
    name: 'issuer',
    claims: ['iss'],
    wants: issuers.join(' or '),
    judge: ({ claims: { iss } }) =>
      typeof iss === 'string' && issuers.includes(canonicalIssuer(iss)) ? undefined : refusals.issuer(iss, issuers),
  };
  return {
    algorithms: ALGORITHMS,
    checks: [
      timesCheck(options.clockSkew),
      ...requiredChecks(Object.entries(options.requiredClaims)),
      ...(issuers.length > 0 ? [issuer] : []),
      userNameCheck(options.userNameClaim),
    ],
  };
}
