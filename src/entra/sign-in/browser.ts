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
 * Also sent to other sites, like Entra's cookies: a single-page app signs in silently through a frame in its own page. The token in
 * each form prevents cross-site request forgery.
 */
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=None';

/** The value of a request cookie, if it has our format. */
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
  // fastify sends several of these headers.
  reply.header('set-cookie', text);
}

/** The cookies of a browser. */
export class Browser {
  readonly #context: SharedContext;
  readonly #reply: FastifyReply;
  /** Binds sign-ins to the browser that started them. */
  #secret: string | undefined;
  /** Identifies its signed-in accounts. */
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

  /** The hash to store in a flow; sets a cookie if the browser has none. */
  begin(): string {
    if (this.#secret === undefined) {
      this.#secret = newSecret(this.#context);
      addCookie(this.#reply, `${CONTEXT_COOKIE}=${this.#secret}; ${ATTRIBUTES}`);
    }
    return Grants.key(this.#secret);
  }

  /** True in the browser that called {@link begin}. */
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
   * Refuses a form that does not come from one of our pages in this browser.
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
