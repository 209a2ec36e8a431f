import type { Clock } from '../../lib/clock.ts';
import { parseDuration } from '../../lib/duration.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { type Dial, exchange } from '../../lib/http-exchange.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../../lib/tunnel-api.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { ScenarioToken } from '../format/types.ts';

/** Time limit for an answer from Entra ID: a client has given up long before. Milliseconds. */
const SIGN_IN_MS = 3_600_000;

/** How to reach Entra ID, and the clock to use. */
export interface TokenWay {
  readonly clock: Clock;
  readonly dial?: Dial;
}

/**
 * The token of each client. It is used until the gateway refuses it, like a token in an app's cache: even if it has expired
 * meanwhile. A token that arrives after its client has given up is used for the next attempt.
 */
export class Tokens {
  readonly #wanted: ScenarioToken;
  readonly #way: TokenWay;
  readonly #sim: () => Simulator;
  readonly #cached = new Map<number, Promise<string>>();

  constructor(wanted: ScenarioToken, sim: () => Simulator, way: TokenWay) {
    this.#wanted = wanted;
    this.#sim = sim;
    this.#way = way;
  }

  /** @param refused whether the gateway has refused the previous one */
  get(client: number, refused = false): Promise<string> {
    const known = refused ? undefined : this.#cached.get(client);
    if (known) return known;
    const made = this.#make();
    this.#cached.set(client, made);
    // After a failure, a token is requested again.
    made.catch(() => this.#cached.get(client) === made && this.#cached.delete(client));
    return made;
  }

  forget(client: number): void {
    this.#cached.delete(client);
  }

  #make(): Promise<string> {
    const { user, lifetime, wrong, claims, from } = this.#wanted;
    if (from === 'sign-in') return this.#signIn();
    return this.#sim().token({
      ...(user !== undefined && { user }),
      ...(lifetime !== undefined && { expiresIn: Math.round(parseDuration(lifetime) / 1000) }),
      ...(wrong !== undefined && { wrong: wrong as never }),
      ...(claims !== undefined && { claims }),
    });
  }

  /** With user name and password (the grant `password`), because nobody is there to fill in a form. */
  async #signIn(): Promise<string> {
    const sim = this.#sim();
    const tenant = sim.identity.directory.defaultTenant;
    const [first] = tenant.users;
    const user = this.#wanted.user === undefined ? first : tenant.users.get(this.#wanted.user);
    const [app] = tenant.applications;
    const body = new URLSearchParams({
      grant_type: 'password',
      client_id: app?.appId ?? '',
      username: user?.userPrincipalName ?? '',
      password: user?.password ?? '',
      scope: TUNNEL_DEFAULT_SCOPE,
    });
    const { clock, dial } = this.#way;
    const answer = await exchange(`${sim.urls.authority}/oauth2/v2.0/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: body.toString(),
      ca: sim.ca,
      clock,
      ...(dial && { dial }),
      maxBytes: 100_000,
      timeout: SIGN_IN_MS,
    });
    const text = answer.body.toString('utf8');
    const token = answer.status === 200 ? (JSON.parse(text) as { access_token?: unknown }).access_token : undefined;
    if (typeof token === 'string') return token;
    throw new TunneliteError(
      'ERR_SCENARIO_STEP',
      `Entra ID returned no token, but status ${answer.status}: ${text.slice(0, 300)}`,
    );
  }
}
