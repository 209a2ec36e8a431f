import type { IdentityContext } from '../context/context.ts';
import type { PublishedScope } from '../directory/schema.ts';
import type { Page } from '../pages/layout.ts';
import * as pages from '../pages/sign-in-pages.ts';
import { isAdministrator } from './actions.ts';
import { BRAND } from './answer.ts';
import type { Browser } from './browser.ts';
import type { FlowState, SignInFlow, Step } from './flow.ts';

/** Targets of the forms on sign-in pages. */
export const LOGIN_PATH = '/common/login';
const OFFERED_ACCOUNTS = 6;

/** The page of a step. `federated` and `done` have none: they redirect. */
export function stepPage(
  context: IdentityContext,
  browser: Browser,
  flow: SignInFlow,
  state: FlowState,
): Page | undefined {
  const form: pages.FormContext = {
    action: LOGIN_PATH,
    flow: flow.id,
    canary: browser.canary(flow.id),
    brand: state.account?.tenant.settings.displayName ?? BRAND,
    notice: flow.notice,
  };
  const username = state.account?.user.userPrincipalName ?? '';
  const app = state.app.displayName;
  const makers: Readonly<Record<Step, () => Page | undefined>> = {
    'pick-account': () =>
      pages.pickAccountPage(
        form,
        app,
        state.accounts.map((account) => ({
          id: account.sessionId,
          title: account.userPrincipalName,
          detail: 'Signed in',
        })),
      ),
    username: () => pages.usernamePage(form, app, flow.typed, offeredAccounts(context, flow)),
    password: () => pages.passwordPage(form, username),
    federated: () => undefined,
    'new-password': () => pages.newPasswordPage(form, username, newPasswordReason(state)),
    'mfa-registration': () => pages.mfaRegistrationPage(form, username),
    mfa: () => pages.mfaPage(form, username),
    consent: () =>
      pages.consentPage(form, {
        username,
        app,
        scopes: consentScopes(state),
        administrator: isAdministrator(state),
      }),
    'confirm-app': () => pages.confirmAppPage(form, username, app),
    'stay-signed-in': () => pages.staySignedInPage(form, username),
    done: () => undefined,
  };
  return makers[state.step]();
}

function newPasswordReason({ account }: FlowState): string {
  return account?.home.user.passwordExpired
    ? 'You need to update your password because it has expired.'
    : 'You need to update your password because your account is at risk.';
}

/** The requested permissions, API by API; without any, `prompt=consent` shows those already granted. */
function consentScopes({ consents }: FlowState): readonly pages.ConsentScope[] {
  const asks = consents.some(({ missing }) => missing.length > 0);
  return consents.flatMap(({ resource, missing, granted }) => {
    const known = (name: string): PublishedScope =>
      resource.scopes.find((scope) => scope.value === name) ?? { value: name };
    return (asks ? missing : granted.map(known)).map((scope) => ({ ...scope, resource: resource.name }));
  });
}

function offeredAccounts(context: IdentityContext, flow: SignInFlow): readonly pages.AccountChoice[] {
  if (!context.behaviour.showAccounts) return [];
  const tenant = context.directory.findTenant(flow.authority);
  const choices: pages.AccountChoice[] = [];
  for (const one of tenant ? [tenant] : context.directory.tenants) {
    for (const user of one.users) {
      if (choices.length >= OFFERED_ACCOUNTS) return choices;
      choices.push({ id: user.userPrincipalName, title: user.displayName, detail: user.userPrincipalName });
    }
  }
  return choices;
}
