/** What `tunnelite token` asks the running instance for. */
export interface TokenRequest {
  /** User name or object id; the first user of the tenant when left out. */
  readonly user?: string;
  /** Tenant id or domain; the first tenant when left out. */
  readonly tenant?: string;
  /** Client id of the app registration. */
  readonly client?: string;
  /** `1.0` or `2.0`. */
  readonly version?: string;
  readonly audience?: string;
  readonly scopes?: readonly string[];
  /** Name of a deliberately wrong token. */
  readonly wrong?: string;
  /** Last word on claims; null removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Lifetime in seconds. */
  readonly expiresIn?: number;
}

export interface MintedToken {
  readonly accessToken: string;
  /** User name, when the token has a user. */
  readonly user: string | undefined;
  /** Seconds from now; negative for an expired one. */
  readonly expiresIn: number;
  /** The claims, for people to look at. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Makes tokens of the built-in Entra ID without a sign-in. */
export type TokenMinter = (request: TokenRequest) => Promise<MintedToken>;
