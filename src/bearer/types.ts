/** Who a verified token speaks for. */
export interface Principal {
  /** User name as the gateway keeps it: the configured user-name claim, at most 63 characters. */
  readonly username: string;
  /** Entra object id (`oid`), when the token has one. */
  readonly objectId: string | undefined;
  /** Tenant id (`tid`), when the token has one. */
  readonly tenantId: string | undefined;
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
