import { createHmac } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { newSecret, type SharedContext } from '../context/context.ts';
import { Grants } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { equalText } from '../oauth/users.ts';

/** Entra's own cookie names. */
const CONTEXT_COOKIE = 'esctx';
const SESSION_COOKIE = 'ESTSAUTH';
const PERSISTENT_COOKIE = 'ESTSAUTHPERSISTENT';
/**
 * For other sites as well, as Entra's are: a single page app signs in silently through a frame in its own page. What other sites
 * must not do, the token of each form keeps them from.
 */
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=None';

/** The value of a cookie of a request, when it looks like one of ours. */
function cookie(request: FastifyRequest, name: string): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const equals = pair.indexOf('=');
    if (equals > 0 && pair.slice(0, equals).trim() === name) {
      const value = pair.slice(equals + 1).trim();
      return /^[\w-]{43}$/.test(value) ? value : undefined;
    }
  }
  return undefined;
}

function addCookie(reply: FastifyReply, text: string): void {
  // fastify keeps several of these side by side.
  reply.header('set-cookie', text);
}

/** What a browser shows of itself. */
export class Browser {
  readonly #context: SharedContext;
  readonly #reply: FastifyReply;
  /** Ties sign-ins to the browser that began them. */
  #secret: string | undefined;
  /** Names its signed-in accounts. */
  #session: string | undefined;

  constructor(context: SharedContext, request: FastifyRequest, reply: FastifyReply) {
    this.#context = context;
    this.#reply = reply;
    this.#secret = cookie(request, CONTEXT_COOKIE);
    this.#session = cookie(request, SESSION_COOKIE) ?? cookie(request, PERSISTENT_COOKIE);
  }

  get session(): string | undefined {
    return this.#session;
  }

  /** Hash that a flow remembers; gives the browser a cookie when it has none. */
  begin(): string {
    if (this.#secret === undefined) {
      this.#secret = newSecret(this.#context);
      addCookie(this.#reply, `${CONTEXT_COOKIE}=${this.#secret}; ${ATTRIBUTES}`);
    }
    return Grants.key(this.#secret);
  }

  /** True in the browser that {@link begin} was called for. */
  is(hash: string): boolean {
    return this.#secret !== undefined && Grants.key(this.#secret) === hash;
  }

  /** A token for the forms of one flow: another site can neither read nor guess it. */
  canary(purpose: string): string {
    return createHmac('sha256', this.#secret ?? '')
      .update(purpose)
      .digest('base64url');
  }

  /**
   * Refuses a form that did not come from a page of ours in this browser.
   *
   * @throws AadstsError 90100
   */
  checkForm(request: FastifyRequest, purpose: string, canary: string | undefined): void {
    const { origin } = request.headers;
    const foreign = origin !== undefined && (!URL.canParse(origin) || new URL(origin).host !== request.headers.host);
    if (foreign || this.#secret === undefined || canary === undefined || !equalText(canary, this.canary(purpose))) {
      throw new AadstsError(90100, { field: 'canary' });
    }
  }

  /** Sets the cookie of signed-in accounts. A session cookie ends with the browser, a persistent one after `seconds`. */
  setSession(secret: string, seconds: number, persistent: boolean): void {
    this.#session = secret;
    addCookie(this.#reply, `${SESSION_COOKIE}=${secret}; ${ATTRIBUTES}`);
    if (persistent) addCookie(this.#reply, `${PERSISTENT_COOKIE}=${secret}; ${ATTRIBUTES}; Max-Age=${seconds}`);
    else addCookie(this.#reply, `${PERSISTENT_COOKIE}=; ${ATTRIBUTES}; Max-Age=0`);
  }

  clearSession(): void {
    this.#session = undefined;
    for (const name of [SESSION_COOKIE, PERSISTENT_COOKIE])
      addCookie(this.#reply, `${name}=; ${ATTRIBUTES}; Max-Age=0`);
  }
}
