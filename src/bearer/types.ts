import type { Person } from '../lib/person.ts';

/** The user and other claims of a verified token. The user name has at most 63 characters. */
export interface Principal extends Person {
  /** Client that requested the token: `azp` or `appid`. */
  readonly clientId: string | undefined;
  readonly scopes: readonly string[];
  /** `uti` or `jti`: the token's own ID, for logs. */
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

/** One refusal: a code and an explanation for the reader of the log. Never contains the token. */
export interface TokenRefusal {
  readonly reason: TokenRefusalReason;
  /** A sentence: what was expected, what came, and what to do. */
  readonly explanation: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export type TokenVerdict =
  | { readonly ok: true; readonly principal: Principal }
  | { readonly ok: false; readonly refusal: TokenRefusal };

/** The gateway's token check: takes a token and returns a verdict. Never rejects, whatever the token. */
export interface TokenVerifier {
  verify(token: string): Promise<TokenVerdict>;
}
