import type { Authority } from '../context/authority.ts';
import type { IdentityContext } from '../context/context.ts';
import type { SignIn } from '../context/grants.ts';
import { CONSUMER_TENANT_NAME } from '../directory/well-known.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { type Account, checkAccountState } from './users.ts';

/**
 * The current state of the account behind an earlier sign-in: in the tenant of the sign-in, or in the tenant of the
 * current request.
 *
 * @throws AadstsError 90072 no guest in that tenant, 50034 deleted since, 50057 / 50053 disabled or locked since
 */
export function recallAccount(
  context: IdentityContext,
  signIn: SignIn,
  authority: Authority,
  clientId: string,
): Account {
  const { directory } = context;
  const origin = directory.findTenant(signIn.tenantId);
  const known = origin?.users.find(signIn.userId);
  if (!origin || !known) throw new AadstsError(50034, { user: signIn.userId, tenant: signIn.tenantId });
  const home = known.type === 'guest' ? directory.findMember(known.userPrincipalName) : { tenant: origin, user: known };
  const absent = (tenantName: string): AadstsError =>
    new AadstsError(90072, {
      user: known.userPrincipalName,
      idp: context.issuerFor(origin.id, 1),
      tenant: tenantName,
      client: clientId,
    });
  if (authority.alias === 'consumers') throw absent(CONSUMER_TENANT_NAME);
  const tenant = authority.tenant ?? origin;
  let user = known;
  if (tenant !== origin) {
    const here = home?.tenant === tenant ? home.user : home && directory.guestOf(tenant, home);
    if (!here) throw absent(tenant.settings.displayName);
    user = here;
  }
  const account = { tenant, user, home: home ?? { tenant, user } };
  checkAccountState(account);
  return account;
}
