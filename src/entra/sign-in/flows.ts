import { findAuthority } from '../context/authority.ts';
import { STORE_LIMITS } from '../context/constants.ts';
import { newGuid, newSecret, nowSeconds, type SharedContext } from '../context/context.ts';
import { ExpiringStore } from '../context/expiring-store.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import type { Browser } from './browser.ts';
import type { Purpose, SignInFlow } from './flow.ts';
import { BrowserSessions, type SignedIn } from './sessions.ts';

/** Sign-ins in progress, and the resulting sessions. */
export class SignIns {
  readonly sessions: BrowserSessions;
  readonly #context: SharedContext;
  readonly #flows: ExpiringStore<SignInFlow>;

  constructor(context: SharedContext) {
    this.#context = context;
    this.sessions = new BrowserSessions(context);
    this.#flows = new ExpiringStore(context.clock, STORE_LIMITS.flows);
  }

  /** Starts a sign-in in this browser; reuses a matching session. */
  begin(
    browser: Browser,
    start: Pick<SignInFlow, 'authority' | 'clientId' | 'scope' | 'deviceId'> & { readonly purpose: Purpose },
  ): SignInFlow {
    const flow: SignInFlow = {
      ...start,
      id: newSecret(this.#context),
      browser: browser.begin(),
      username: undefined,
      typed: '',
      federatedDomain: undefined,
      authentication: undefined,
      sessionId: undefined,
      order: 0,
      fresh: false,
      useOther: false,
      consented: false,
      confirmed: false,
      stay: undefined,
      notice: undefined,
    };
    this.#flows.set(flow.id, flow, this.#context.behaviour.lifetimes.signIn);
    if (start.purpose.kind === 'authorize') this.#applyHints(flow, start.purpose, this.accountsFor(flow, browser));
    return flow;
  }

  /**
   * Finds the flow of a page.
   *
   * @throws AadstsError 50089 expired, or started in another browser
   */
  find(id: string | undefined, browser: Browser): SignInFlow {
    const flow = id === undefined ? undefined : this.#flows.get(id);
    if (!flow || !browser.is(flow.browser)) throw new AadstsError(50089);
    return flow;
  }

  end(flow: SignInFlow): void {
    this.#flows.delete(flow.id);
  }

  /** Signed-in accounts that this request can use without a password. */
  accountsFor(flow: SignInFlow, browser: Browser): readonly SignedIn[] {
    const accounts = this.sessions.accounts(browser.session);
    if (flow.purpose.kind !== 'authorize') return accounts;
    const { prompt, maxAge, claims } = flow.purpose.request;
    if (prompt.has('login') || prompt.has('create')) return [];
    const now = nowSeconds(this.#context);
    return accounts.filter(({ authentication }) => {
      if (maxAge !== undefined && now - authentication.authTime > maxAge) return false;
      return claims.notBefore === undefined || authentication.authTime >= claims.notBefore;
    });
  }

  /** Uses a signed-in account instead of a password. */
  adopt(flow: SignInFlow, account: SignedIn): void {
    flow.username = account.userPrincipalName;
    flow.authentication = account.authentication;
    flow.sessionId = account.sessionId;
    flow.order = account.order;
    flow.fresh = false;
  }

  /** Records that the user has just authenticated. */
  authenticate(flow: SignInFlow, methods: readonly string[]): void {
    flow.authentication = { methods, authTime: nowSeconds(this.#context), mfaTime: undefined };
    flow.sessionId = newGuid(this.#context.random);
    flow.order = this.#context.grants.nextOrder();
    flow.fresh = true;
    flow.notice = undefined;
  }

  clear(): void {
    this.#flows.clear();
    this.sessions.clear();
  }

  #applyHints(flow: SignInFlow, purpose: Purpose & { kind: 'authorize' }, accounts: readonly SignedIn[]): void {
    const { loginHint, domainHint, prompt } = purpose.request;
    if (prompt.has('select_account')) return;
    const hint = loginHint?.includes('@') ? loginHint.trim() : undefined;
    if (hint !== undefined) {
      const session = accounts.find((account) => account.userPrincipalName.toLowerCase() === hint.toLowerCase());
      if (session) this.adopt(flow, session);
      else flow.username = hint;
      return;
    }
    const federated = domainHint === undefined ? undefined : this.#context.directory.findTenant(domainHint);
    if (federated?.isFederated(`@${domainHint}`)) flow.federatedDomain = domainHint;
    const usable = accounts.filter((account) => this.#isKnownAt(flow, account));
    if (usable.length === 1 && !federated) this.adopt(flow, usable[0]!);
  }

  #isKnownAt(flow: SignInFlow, account: SignedIn): boolean {
    const { tenant } = findAuthority(this.#context.directory, flow.authority);
    return !tenant || tenant.users.find(account.userPrincipalName) !== undefined;
  }
}
