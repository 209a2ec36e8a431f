import { DEFAULT_PASSWORD, TUNNEL_DEFAULT_SCOPE } from '../../entra/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import type { Simulator } from '../../simulator/index.ts';
import { ANSWER_LIMITS } from '../context/instance.ts';

/** A token, or the text of Entra ID's refusal. */
export type SignInAnswer =
  | { readonly accessToken: string; readonly expiresIn: number; readonly refusal?: undefined }
  | { readonly accessToken?: undefined; readonly refusal: string };

/** Signs a user in with Entra ID's password flow: possible in a test without a browser. */
export async function signIn(sim: Simulator, username: string, scope = TUNNEL_DEFAULT_SCOPE): Promise<SignInAnswer> {
  const tenant = sim.identity.directory.defaultTenant;
  const form = new URLSearchParams({
    grant_type: 'password',
    client_id: tenant.applications[Symbol.iterator]().next().value!.appId,
    username,
    password: DEFAULT_PASSWORD,
    scope,
  });
  const { body } = await exchange(`${sim.urls.authority}/oauth2/v2.0/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
    ca: sim.ca,
    ...ANSWER_LIMITS,
  });
  const answer = JSON.parse(body.toString('utf8')) as {
    access_token?: string;
    expires_in?: number;
    error_description?: string;
  };
  if (answer.access_token) return { accessToken: answer.access_token, expiresIn: answer.expires_in ?? 0 };
  // The first sentence; trace and correlation ids follow it.
  return { refusal: (answer.error_description ?? 'without a reason').split(' Trace ID:')[0]! };
}

/** Stands in for a phone's keychain: the token shared by apps of one publisher. */
export class TokenCache {
  readonly #sim: Simulator;
  readonly #user: string;
  #token: string | undefined;

  constructor(sim: Simulator, user: string) {
    this.#sim = sim;
    this.#user = user;
  }

  /** The cached token. @throws TunneliteError `ERR_INTERNAL` if there is none */
  get token(): string {
    if (this.#token === undefined) throw new TunneliteError('ERR_INTERNAL', 'The cache has no token yet.');
    return this.#token;
  }

  /** Requests a token and caches it. Returns its lifetime in seconds. */
  async fill(): Promise<number> {
    const answer = await signIn(this.#sim, this.#user);
    if (answer.accessToken === undefined) {
      throw new TunneliteError('ERR_INTERNAL', `Entra ID refused the demo's sign-in: ${answer.refusal}`);
    }
    this.#token = answer.accessToken;
    return answer.expiresIn;
  }
}
