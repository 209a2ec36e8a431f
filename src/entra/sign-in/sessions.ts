import { MAX_ACCOUNTS, STORE_LIMITS } from '../context/constants.ts';
import type { SharedContext } from '../context/context.ts';
import { newSecret } from '../context/context.ts';
import { ExpiringStore } from '../context/expiring-store.ts';
import type { Authentication } from '../context/grants.ts';
import { Grants } from '../context/grants.ts';
import { passwordMark } from '../oauth/token-response.ts';

/** One account that a browser is signed in with, at its home tenant. */
export interface SignedIn {
  readonly tenantId: string;
  readonly userId: string;
  readonly userPrincipalName: string;
  /** `sid`. */
  readonly sessionId: string;
  readonly authentication: Authentication;
  readonly passwordMark: string;
  readonly order: number;
  /** "Stay signed in" was answered with yes. */
  readonly persistent: boolean;
}

/**
 * Which accounts each browser is signed in with. A browser shows a secret in a cookie; with every sign-in it gets a new
 * one, so that nobody can plant one beforehand.
 */
export class BrowserSessions {
  readonly #context: SharedContext;
  readonly #browsers: ExpiringStore<readonly SignedIn[]>;

  constructor(context: SharedContext) {
    this.#context = context;
    this.#browsers = new ExpiringStore(context.clock, STORE_LIMITS.sessions);
  }

  /** The accounts of a browser that still count: not revoked, password unchanged, user not gone. */
  accounts(secret: string | undefined): readonly SignedIn[] {
    if (secret === undefined) return [];
    const all = this.#browsers.get(Grants.key(secret)) ?? [];
    return all.filter((account) => this.#isValid(account));
  }

  /** Adds or renews an account and returns the browser's new secret with the seconds it lives. */
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
