import { CompactSign } from 'jose/jws/compact/sign';
import { type Clock, systemClock } from '../../lib/clock.ts';
import { DEFAULTS } from '../../lib/defaults.ts';
import { directly, type Offload } from '../../lib/offload.ts';
import { type RandomSource, systemRandom } from '../../lib/random.ts';
import type { SigningKey, SigningKeys } from './signing-keys.ts';
import {
  type AccessTokenRequest,
  accessTokenClaims,
  type Claims,
  type IdTokenRequest,
  idTokenClaims,
  type TokenVersion,
} from './token-claims.ts';

/** A signed token with information for the caller. */
export interface IssuedToken {
  /** Compact JWS: a secret. */
  readonly token: string;
  readonly claims: Readonly<Claims>;
  /** `uti`: identifies the token in logs. */
  readonly tokenId: string;
  /** Seconds until `exp` by the true clock: the `expires_in` of an OAuth response. */
  readonly expiresIn: number;
}

/** Dependencies and options of {@link TokenIssuer}. */
export interface TokenIssuerOptions {
  readonly keys: SigningKeys;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Queue for WebCrypto operations. Default: none; operations run directly. */
  readonly offload?: Offload;
  /** Default lifetime of access tokens: seconds, or a range to draw from. Default 60 to 90 minutes. */
  readonly lifetime?: number | { readonly min: number; readonly max: number };
}

/** Header of a token: v1 tokens repeat the thumbprint as `x5t`, v2 tokens do not (Microsoft: "Access token claims reference"). */
export function tokenHeader(version: TokenVersion, kid: string, changes?: Readonly<Claims>): Claims {
  const header = { typ: 'JWT', alg: 'RS256', ...(version === '1.0' ? { x5t: kid } : {}), kid, ...changes };
  return Object.fromEntries(Object.entries(header).filter(([, value]) => value !== undefined));
}

/**
 * Issues tokens of both profiles, v1.0 and v2.0, signed with the current key.
 *
 * @example
 * ```ts
 * const issuer = new TokenIssuer({ keys: await SigningKeys.create() });
 * const { token } = await issuer.accessToken({
 *   version: '2.0', issuer: `${base}/${tenantId}/v2.0`, tenantId, clientId,
 *   audience: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'], user,
 * });
 * ```
 */
export class TokenIssuer {
  readonly keys: SigningKeys;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #offload: Offload;
  #lifetime: { readonly min: number; readonly max: number };

  constructor(options: TokenIssuerOptions) {
    this.keys = options.keys;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#offload = options.offload ?? directly;
    this.#lifetime = rangeOf(options.lifetime ?? DEFAULTS.identity.lifetimes.accessToken);
  }

  /** Changes the default lifetime of access tokens. */
  useLifetime(lifetime: NonNullable<TokenIssuerOptions['lifetime']>): void {
    this.#lifetime = rangeOf(lifetime);
  }

  /** Issues an access token: for a user if the request has one, else for the application alone. */
  async accessToken(request: AccessTokenRequest): Promise<IssuedToken> {
    const claims = accessTokenClaims(request, this.now(), request.lifetime ?? this.#draw(), this.#random);
    return this.#issued(claims, request.version, request.header);
  }

  /** Issues an ID token: the user's identity, for the client. */
  async idToken(request: IdTokenRequest): Promise<IssuedToken> {
    const claims = idTokenClaims(
      request,
      this.now(),
      request.lifetime ?? DEFAULTS.identity.lifetimes.idToken,
      this.#random,
    );
    return this.#issued(claims, request.version, request.header);
  }

  /** Seconds since the Unix epoch. */
  now(): number {
    return Math.floor(this.#clock.now() / 1000);
  }

  async #issued(claims: Claims, version: TokenVersion, header: Readonly<Claims> | undefined): Promise<IssuedToken> {
    const key = this.keys.current;
    return {
      token: await this.#offload.run(() => signToken(claims, tokenHeader(version, key.kid, header), key)),
      claims,
      tokenId: String(claims.uti ?? ''),
      expiresIn: Number(claims.exp) - this.now(),
    };
  }

  #draw(): number {
    const { min, max } = this.#lifetime;
    return Math.floor(min + this.#random.float() * (max - min + 1));
  }
}

/** Signs JSON claims with RS256 under this header, whatever its `alg`. */
async function signToken(claims: Readonly<Claims>, header: Readonly<Claims>, key: SigningKey): Promise<string> {
  const payload = new TextEncoder().encode(JSON.stringify(claims));
  return new CompactSign(payload).setProtectedHeader({ ...header, alg: 'RS256' }).sign(key.privateKey);
}

function rangeOf(lifetime: NonNullable<TokenIssuerOptions['lifetime']>): {
  readonly min: number;
  readonly max: number;
} {
  return typeof lifetime === 'number' ? { min: lifetime, max: lifetime } : lifetime;
}
