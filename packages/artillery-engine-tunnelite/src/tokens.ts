import { readFile } from 'node:fs/promises';
import { EngineError, wordsOf } from './errors.ts';
import type { Instance } from './instance.ts';
import { post } from './post.ts';

/** An OAuth 2.0 token endpoint. With a user name and a password, it issues a token of that user, otherwise one of the client itself. */
export interface TokenEndpoint {
  readonly url: URL;
  readonly clientId: string;
  readonly clientSecret?: string | undefined;
  readonly scope: string;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}

/** The source of a virtual user's token. */
export type TokenOrigin =
  | { readonly token: string }
  | { readonly file: string }
  | { readonly endpoint: TokenEndpoint; readonly ca: string | undefined }
  | { readonly instance: Instance; readonly user: string | undefined };

interface Fetched {
  readonly token: string;
  /** Lifetime in seconds. */
  readonly seconds: number;
}

/** Ours: the share of its lifetime for which a token is used, and the maximum number of tokens kept. */
const USED_SHARE = 0.8;
const MOST_KEPT = 20_000;
/** Ours: the lifetime of a token that does not specify one, in seconds. */
const DEFAULT_SECONDS = 300;

/** The tokens of all users of a worker: each is fetched once for all users who need it, and again when it is old or was refused. */
export class Tokens {
  readonly #kept = new Map<string, { readonly token: Promise<string>; goodUntil: number }>();

  /**
   * @param refused the token that the gateway has just refused, which is not returned again
   * @throws EngineError `ERR_ENGINE_TOKEN`
   */
  async get(origin: TokenOrigin, refused: string): Promise<string> {
    if ('token' in origin) return origin.token;
    const key = JSON.stringify(origin);
    const kept = this.#kept.get(key);
    if (kept !== undefined && performance.now() < kept.goodUntil) {
      const token = await kept.token;
      if (token !== refused) return token;
      // Another user may have replaced it meanwhile.
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
      return this.get(origin, refused);
    }
    const fetched = fetchToken(origin);
    const entry = { token: fetched.then(({ token }) => token), goodUntil: Number.POSITIVE_INFINITY };
    // Callers that wait for it get the error; there may be none.
    entry.token.catch(() => {});
    this.#kept.delete(key);
    this.#kept.set(key, entry);
    if (this.#kept.size > MOST_KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    try {
      const { token, seconds } = await fetched;
      entry.goodUntil = performance.now() + seconds * USED_SHARE * 1000;
      return token;
    } catch (error) {
      if (this.#kept.get(key) === entry) this.#kept.delete(key);
      throw error;
    }
  }
}

async function fetchToken(origin: Exclude<TokenOrigin, { readonly token: string }>): Promise<Fetched> {
  try {
    if ('file' in origin) return { token: (await readFile(origin.file, 'utf8')).trim(), seconds: DEFAULT_SECONDS };
    return 'endpoint' in origin ? await fromEndpoint(origin.endpoint, origin.ca) : await fromInstance(origin);
  } catch (cause) {
    throw new EngineError('ERR_ENGINE_TOKEN', `No token is available: ${wordsOf(cause)}`, { cause });
  }
}

async function fromEndpoint(endpoint: TokenEndpoint, ca: string | undefined): Promise<Fetched> {
  const { url, clientId, clientSecret, scope, username, password } = endpoint;
  const user = username === undefined ? {} : { username, password: password ?? '' };
  const form = new URLSearchParams({
    grant_type: username === undefined ? 'client_credentials' : 'password',
    client_id: clientId,
    ...(clientSecret !== undefined && { client_secret: clientSecret }),
    scope,
    ...user,
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  const answer = await post(url, { headers, body: form.toString(), ca });
  const { access_token, expires_in, error, error_description } = objectOf(answer.body);
  if (typeof access_token !== 'string') {
    const words = [error, error_description].filter((each) => typeof each === 'string').join(': ');
    throw new Error(`${url.href} answered ${answer.status}${words === '' ? '' : `, ${words.slice(0, 500)}`}.`);
  }
  return { token: access_token, seconds: secondsOf(expires_in) };
}

async function fromInstance({ instance, user }: { instance: Instance; user: string | undefined }): Promise<Fetched> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${instance.secret}` };
  const body = JSON.stringify(user === undefined ? {} : { user });
  const answer = await post(new URL('/api/tokens', instance.admin), { headers, body });
  const { accessToken, expiresIn, error } = objectOf(answer.body);
  if (typeof accessToken !== 'string') {
    const { message = '' } = (error ?? {}) as { message?: unknown };
    throw new Error(`the instance answered ${answer.status}. ${message}`);
  }
  return { token: accessToken, seconds: secondsOf(expiresIn) };
}

function objectOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function secondsOf(value: unknown): number {
  const seconds = typeof value === 'string' ? Number(value) : value;
  return typeof seconds === 'number' && Number.isFinite(seconds) && seconds > 0 ? seconds : DEFAULT_SECONDS;
}
