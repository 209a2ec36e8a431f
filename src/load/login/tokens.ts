import type { Clock } from '../../lib/clock.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';

/** Gets a new token from its source. */
export type TokenSource = () => Promise<string>;

/** Ours: a token is renewed this long before its expiry, in milliseconds, but not earlier than after four fifths of its lifetime. */
const MARGIN_MS = 30_000;
const MARGIN_SHARE = 0.2;
/** Ours: after this many refused tokens in a row, no others are requested. */
const MOST_REFUSALS = 5;
/** Ours: maximum number of bytes of a token to inspect. */
const MAX_TOKEN = 64 * 1024;

interface Kept {
  readonly token: string;
  /** By the wall clock, in milliseconds. */
  readonly goodUntil: number;
}

/** The tokens of all clients: each is used until it is about to expire or was refused, and fetched once for all clients that need it. */
export class TokenStore {
  readonly #sources: readonly TokenSource[];
  readonly #clock: Clock;
  readonly #onFetch: () => void;
  readonly #kept: (Kept | undefined)[];
  /** Number of tokens refused since one was accepted. */
  #refusals = 0;
  readonly #fetching: (Promise<string> | undefined)[];

  constructor(sources: readonly TokenSource[], clock: Clock, onFetch: () => void) {
    this.#sources = sources;
    this.#clock = clock;
    this.#onFetch = onFetch;
    this.#kept = sources.map(() => undefined);
    this.#fetching = sources.map(() => undefined);
  }

  /** The token of a client. @throws TunneliteError `ERR_LOAD_TOKEN` */
  get(client: number): Promise<string> {
    const index = client % this.#sources.length;
    const kept = this.#kept[index];
    if (kept !== undefined && this.#clock.now() < kept.goodUntil) return Promise.resolve(kept.token);
    this.#fetching[index] ??= this.#fetch(index).finally(() => {
      this.#fetching[index] = undefined;
    });
    return this.#fetching[index];
  }

  /** The gateway refused it: the next client gets another, unless several have been refused already. */
  refused(client: number, token: string): void {
    const index = client % this.#sources.length;
    if (this.#kept[index]?.token !== token || this.#refusals >= MOST_REFUSALS) return;
    this.#refusals++;
    this.#kept[index] = undefined;
  }

  /** The gateway accepted one. */
  accepted(): void {
    this.#refusals = 0;
  }

  async #fetch(index: number): Promise<string> {
    this.#onFetch();
    let token: string;
    try {
      token = (await this.#sources[index]!()).trim();
    } catch (cause) {
      throw new TunneliteError('ERR_LOAD_TOKEN', `There is no token: ${errorText(cause)}`, { cause });
    }
    this.#kept[index] = { token, goodUntil: goodUntil(token) };
    return token;
  }
}

/** When to renew a token; Infinity if it does not specify an expiry. The gateway verifies its signature. */
export function goodUntil(token: string): number {
  const [, payload = ''] = token.length > MAX_TOKEN ? [] : token.split('.');
  let claims: unknown;
  try {
    claims = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  const { exp, iat } = (typeof claims === 'object' && claims !== null ? claims : {}) as {
    exp?: unknown;
    iat?: unknown;
  };
  if (typeof exp !== 'number' || !Number.isFinite(exp)) return Number.POSITIVE_INFINITY;
  const life = typeof iat === 'number' && iat < exp ? (exp - iat) * 1000 : Number.POSITIVE_INFINITY;
  return exp * 1000 - Math.min(MARGIN_MS, life * MARGIN_SHARE);
}
