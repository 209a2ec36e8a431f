/** Request of `tunnelite token` to the running instance. */
export interface TokenRequest {
  /** User name or object ID. Default: the first user of the tenant. */
  readonly user?: string;
  /** Tenant ID or domain. Default: the first tenant. */
  readonly tenant?: string;
  /** Client ID of the app registration. */
  readonly client?: string;
  /** `1.0` or `2.0`. */
  readonly version?: string;
  readonly audience?: string;
  readonly scopes?: readonly string[];
  /** Name of a deliberately wrong token. */
  readonly wrong?: string;
  /** Final override of claims; null removes one. */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Lifetime in seconds. */
  readonly expiresIn?: number;
}

export interface MintedToken {
  readonly accessToken: string;
  /** User name, if the token has a user. */
  readonly user: string | undefined;
  /** Seconds from now; negative for an expired token. */
  readonly expiresIn: number;
  /** The claims, for display. */
  readonly claims: Readonly<Record<string, unknown>>;
}

/** Issues tokens of the built-in Entra ID without a sign-in. */
export type TokenMinter = (request: TokenRequest) => Promise<MintedToken>;
