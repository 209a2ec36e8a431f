import { MAX_ACCOUNTS, STORE_LIMITS } from '../context/constants.ts';
import type { SharedContext } from '../context/context.ts';
import { newSecret } from '../context/context.ts';
import { ExpiringStore } from '../context/expiring-store.ts';
import type { Authentication } from '../context/grants.ts';
import { Grants } from '../context/grants.ts';
import { passwordMark } from '../oauth/token-response.ts';

/** One account that is signed in in a browser, at its home tenant. */
export interface SignedIn {
  readonly tenantId: string;
  readonly userId: string;
  readonly userPrincipalName: string;
  /** `sid`. */
  readonly sessionId: string;
  readonly authentication: Authentication;
  readonly passwordMark: string;
  readonly order: number;
  /** True if the user chose "Stay signed in". */
  readonly persistent: boolean;
}

/**
 * The signed-in accounts of each browser. A cookie holds the browser's secret, which changes with every sign-in,
 * so that no one can plant one beforehand.
 */
export class BrowserSessions {
  readonly #context: SharedContext;
  readonly #browsers: ExpiringStore<readonly SignedIn[]>;

  constructor(context: SharedContext) {
    this.#context = context;
    this.#browsers = new ExpiringStore(context.clock, STORE_LIMITS.sessions);
  }

  /** The browser's accounts that are still valid: not revoked, password unchanged, user not deleted. */
  accounts(secret: string | undefined): readonly SignedIn[] {
    if (secret === undefined) return [];
    const all = this.#browsers.get(Grants.key(secret)) ?? [];
    return all.filter((account) => this.#isValid(account));
  }

  /** Adds or renews an account; returns the browser's new secret and its lifetime in seconds. */
  signIn(secret: string | undefined, account: SignedIn): { readonly secret: string; readonly seconds: number } {
    const others = this.accounts(secret).filter(
      (other) => other.userId !== account.userId || other.tenantId !== account.tenantId,
    );
    this.signOut(secret);
    const fresh = newSecret(this.#context);
    const { lifetimes } = this.#context.behaviour;
    const seconds = account.persistent ? lifetimes.persistentSession : lifetimes.session;
    this.#browsers.set(Grants.key(fresh), [account, ...others].slice(0, MAX_ACCOUNTS), seconds);
    return { secret: fresh, seconds };
  }

  signOut(secret: string | undefined): void {
    if (secret !== undefined) this.#browsers.delete(Grants.key(secret));
  }

  clear(): void {
    this.#browsers.clear();
  }

  #isValid(account: SignedIn): boolean {
    const { directory, grants } = this.#context;
    const user = directory.findTenant(account.tenantId)?.users.find(account.userId);
    if (!user?.enabled || user.locked) return false;
    const revocation = grants.revocationOf(account.userId);
    if ((revocation && account.order < revocation.order) || grants.isRevoked(account.sessionId)) return false;
    return !account.authentication.methods.includes('pwd') || account.passwordMark === passwordMark(user);
  }
}
