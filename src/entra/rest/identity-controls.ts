import type { Endpoint, Outage, Outages } from '../context/outages.ts';
import type { FailNext, Overrides } from '../context/overrides.ts';
import type { Directory } from '../directory/directory.ts';
import type { TestTokenRequest } from '../oauth/test-token.ts';
import type { SigningKeys } from '../tokens/signing-keys.ts';

/** Controls of a running mock Entra ID: in process through the provider, from outside through the REST routes. */
export interface IdentityControls {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  /** Makes future requests fail; returns an ID for {@link Overrides.remove}. */
  failNext(request: FailNext): number;
  readonly overrides: Overrides;
  /** Disturbs an endpoint until cleared. */
  disturb(endpoint: Endpoint, outage: Outage): void;
  readonly outages: Outages;
  /** Ends every sign-in of a user: refresh tokens fail with 50173, browsers have to sign in again. */
  revokeSessions(user: string, tenant?: string): void;
  /** Issues a token without a sign-in, for tests and `tunnelite token`. */
  accessToken(request?: TestTokenRequest): Promise<string>;
  /** Clears codes, refresh tokens, sessions, overrides, outages and account locks; keeps the directory. */
  reset(): void;
}
