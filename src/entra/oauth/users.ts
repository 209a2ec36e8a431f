import { createHash, timingSafeEqual } from 'node:crypto';
import type { Authority } from '../context/authority.ts';
import type { SharedContext } from '../context/context.ts';
import type { Located } from '../directory/directory.ts';
import type { User } from '../directory/schema.ts';
import type { Tenant } from '../directory/tenant.ts';
import { CONSUMER_TENANT_NAME } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';

/** A user in the tenant that issues the tokens, and the user's home. */
export interface Account {
  readonly tenant: Tenant;
  readonly user: User;
  readonly home: Located;
}

/**
 * Finds the account with this name at an authority.
 *
 * @throws AadstsError 50034 unknown name; 50020 known in another tenant but not a guest here, or a work
 * account where only personal ones can sign in
 */
export function findAccount(context: SharedContext, authority: Authority, username: string, clientId: string): Account {
  const home = context.directory.findMember(username);
  const tenant = authority.tenant ?? home?.tenant ?? localGuestTenant(context, username);
  if (tenant && authority.alias === 'consumers') {
    throw new AadstsError(50020, { user: username, tenant: CONSUMER_TENANT_NAME, client: clientId });
  }
  if (!tenant) {
    throw new AadstsError(50034, { user: username, tenant: authority.name });
  }
  if (home?.tenant === tenant) return { tenant, user: home.user, home };
  const entry = tenant.users.find(username);
  if (entry) return { tenant, user: entry, home: home ?? { tenant, user: entry } };
  throw new AadstsError(home ? 50020 : 50034, {
    user: username,
    tenant: tenant.settings.displayName,
    client: clientId,
  });
}

/** At an alias, a guest whose home is not simulated is found in the tenant of the guest entry. */
function localGuestTenant(context: SharedContext, username: string): Tenant | undefined {
  return context.directory.tenants.find((tenant) => tenant.users.find(username));
}

/**
 * Checks a password, and only if it is right the state of the account, so that a wrong password reveals nothing.
 *
 * @throws AadstsError 50053 locked, 50126 wrong, and the errors of {@link checkAccountState}
 */
export function checkPassword(context: SharedContext, account: Account, password: string): void {
  const { user } = account.home;
  if (user.locked || account.user.locked || context.lockout.isLocked(user.id)) throw new AadstsError(50053);
  if (user.password === undefined || !equalText(user.password, password)) {
    context.lockout.failed(user.id);
    throw new AadstsError(50126);
  }
  context.lockout.succeeded(user.id);
  checkAccountState(account);
}

/** @throws AadstsError 50057 disabled here or at home, 50053 locked */
export function checkAccountState({ user, home }: Pick<Account, 'user' | 'home'>): void {
  if (!user.enabled || !home.user.enabled) throw new AadstsError(50057);
  if (user.locked || home.user.locked) throw new AadstsError(50053);
}

/** @throws AadstsError 50055 */
export function checkPasswordAge({ home }: Pick<Account, 'home'>): void {
  if (home.user.passwordExpired) throw new AadstsError(50055);
}

/** Compares two strings in constant time. */
export function equalText(a: string, b: string): boolean {
  return timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
}
