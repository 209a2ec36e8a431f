import { newGuid, nowSeconds } from '../context/context.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { finishUserGrant, type GrantHandler, overrideParameters, requestedScope } from './token-grants.ts';
import { passwordMark } from './token-response.ts';
import { checkPassword, checkPasswordAge, findAccount } from './users.ts';

/** Resource owner password credentials (Microsoft: "OAuth 2.0 Resource Owner Password Credentials"). */
export const grantByPassword: GrantHandler = async (context, request, client, name) => {
  const { parameters, authority } = request;
  if (authority.alias === 'common' || authority.alias === 'consumers') throw new AadstsError(9001023);
  const username = parameters.require('username').trim();
  const password = parameters.require('password');
  const { app } = client;
  const scope = requestedScope(request);
  const account = findAccount(context, authority, username, app.appId);
  // Before the password check: a test may request any failure, even for a locked account.
  context.overrides.strike(
    'token',
    { user: account.user, client: app.appId },
    overrideParameters(account, client, scope.text),
  );
  // Entra does not have a federated user's password; the organization's STS does.
  if (account.home.tenant.isFederated(username)) throw new AadstsError(50126);
  checkPassword(context, account, password);
  if (account.tenant.settings.securityDefaults) throw new AadstsError(530035);
  checkPasswordAge(account);
  return finishUserGrant(context, request, client, {
    grant: name,
    account,
    signIn: {
      tenantId: account.tenant.id,
      userId: account.user.id,
      clientId: app.appId,
      authentication: { methods: ['pwd'], authTime: nowSeconds(context), mfaTime: undefined },
      sessionId: newGuid(context.random),
      deviceId: request.deviceId,
      tellsAuthTime: false,
      passwordMark: passwordMark(account.home.user),
      order: context.grants.nextOrder(),
    },
    scope,
    refresh: 'if-asked',
  });
};
