import type { Person } from '../lib/person.ts';

/** Who a verified token speaks for, and what else it says. The user name has at most 63 characters. */
export interface Principal extends Person {
  /** Client that asked for the token: `azp` or `appid`. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  /** `uti` or `jti`: the token's own id, for logs. */
  readonly tokenId: string | undefined;
  /** Seconds since the Unix epoch. */
  readonly expiresAt: number;
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Why a token was refused, as a closed set of words. */
export type TokenRefusalReason =
  | 'missing'
  | 'malformed'
  | 'too-large'
  | 'algorithm'
  | 'type'
  | 'no-key-id'
  | 'unknown-key'
  | 'keys-unavailable'
  | 'signature'
  | 'issuer'
  | 'key-issuer'
  | 'audience'
  | 'tenant'
  | 'scope'
  | 'not-yet-valid'
  | 'expired'
  | 'claim'
  | 'app-only'
  | 'guest'
  | 'revoked';

/** One coded refusal, with words for the person who reads the log. Never holds the token. */
export interface TokenRefusal {
  readonly reason: TokenRefusalReason;
  /** A sentence: what was expected, what came, what to do. */
  readonly explanation: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export type TokenVerdict =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly refusal: TokenRefusal };

/** The gateway's side of identity: one token in, one verdict out; rejects never, whatever the token. */
export interface TokenVerifier {
  verify(token: string): Promise<TokenVerdict>;
}
