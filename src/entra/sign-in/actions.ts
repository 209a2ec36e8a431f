import { findAuthority } from '../context/authority.ts';
import { type IdentityContext, nowSeconds } from '../context/context.ts';
import type { Parameters } from '../context/parameters.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { recordConsent } from '../oauth/consent.ts';
import { checkPassword, equalText, findAccount } from '../oauth/users.ts';
import type { Browser } from './browser.ts';
import { type FlowState, refuseAdminConsent, type SignInFlow, type Step } from './flow.ts';
import type { SignIns } from './flows.ts';

/** Input for processing a submitted page. */
export interface ActionContext {
  readonly context: IdentityContext;
  readonly signIns: SignIns;
  readonly browser: Browser;
  readonly flow: SignInFlow;
  readonly state: FlowState;
  readonly form: Parameters;
}

/** The user canceled a page, or a test requested a failure: the app gets the error at once, without an error page. */
export class Declined extends Error {
  readonly error: AadstsError;

  constructor(error: AadstsError) {
    super(error.message);
    this.error = error;
  }
}

/** Role template of a Global Administrator, who can consent for the whole tenant. */
const GLOBAL_ADMINISTRATOR = '62e90394-69f5-4237-9190-012177145e10';

export function isAdministrator(state: FlowState): boolean {
  return state.account?.user.directoryRoles.includes(GLOBAL_ADMINISTRATOR) ?? false;
}

/** The action of each page on submission. Correctable mistakes become the page's notice. */
const ACTIONS: Readonly<Record<Step, (action: ActionContext) => void>> = {
  'pick-account': ({ signIns, browser, flow, form }) => {
    const choice = form.get('account');
    const account = signIns.accountsFor(flow, browser).find(({ sessionId }) => sessionId === choice);
    if (account) signIns.adopt(flow, account);
    else flow.useOther = true;
  },
  username: ({ context, flow, form, state }) => {
    const username = (form.get('pick') ?? form.get('login') ?? '').trim();
    if (username === '') {
      flow.notice = 'Enter a valid email address, phone number, or user name.';
      return;
    }
    flow.typed = username.slice(0, 320);
    const authority = findAuthority(context.directory, flow.authority);
    try {
      findAccount(context, authority, username, state.app.appId);
      flow.username = username;
      flow.notice = undefined;
    } catch (error) {
      if (!(error instanceof AadstsError) || error.aadsts !== 50034) throw error;
      flow.notice = `We couldn't find an account with that user name (AADSTS50034). Try another, or add it to the directory.`;
    }
  },
  password: ({ context, signIns, flow, form, state }) => {
    if (form.get('action') === 'back') {
      flow.username = undefined;
      flow.useOther = true;
      flow.notice = undefined;
      return;
    }
    if (!state.account) return;
    try {
      checkPassword(context, state.account, form.get('passwd') ?? '');
      signIns.authenticate(flow, ['pwd']);
    } catch (error) {
      if (!(error instanceof AadstsError) || error.aadsts !== 50126) throw error;
      flow.notice =
        'Your account or password is incorrect (AADSTS50126). Try again; docs/reference/defaults.md has the passwords of the default users.';
    }
  },
  // The organization's own page asks for the password; this page submits nothing.
  federated: () => {},
  'new-password': ({ flow, form, state }) => {
    const fresh = form.get('newpasswd');
    const { account } = state;
    if (!account) return;
    if (fresh === undefined || fresh !== form.get('confirm')) flow.notice = 'The two passwords do not match.';
    else if (fresh.length < 8 || fresh.length > 256) flow.notice = 'A password has 8 to 256 characters.';
    else if (account.home.user.password !== undefined && equalText(fresh, account.home.user.password)) {
      flow.notice = 'Choose a password that is not the one you have.';
    } else {
      const { home, tenant, user } = account;
      // A changed password resolves the account's risk.
      home.tenant.users.update(home.user.id, { password: fresh, passwordExpired: false, risk: 'none' });
      if (user !== home.user) tenant.users.update(user.id, { risk: 'none' });
      flow.notice = undefined;
    }
  },
  'mfa-registration': ({ form, state }) => {
    if (form.get('action') === 'cancel') throw new Declined(new AadstsError(500121));
    if (state.account) state.account.tenant.users.update(state.account.user.id, { mfaRegistered: true });
  },
  mfa: ({ context, flow, form, state }) => {
    if (form.get('action') === 'cancel') throw new Declined(new AadstsError(500121));
    const { account } = state;
    if (!account || !flow.authentication) return;
    if (context.lockout.isLocked(`mfa:${account.user.id}`)) throw new AadstsError(50053);
    if (!equalText((form.get('otc') ?? '').trim(), account.user.mfaCode)) {
      context.lockout.failed(`mfa:${account.user.id}`);
      flow.notice = 'That code did not work (AADSTS500121). Check it and try again.';
      return;
    }
    context.lockout.succeeded(`mfa:${account.user.id}`);
    const { methods, authTime } = flow.authentication;
    flow.authentication = { methods: [...new Set([...methods, 'mfa'])], authTime, mfaTime: nowSeconds(context) };
    flow.fresh = true;
    flow.notice = undefined;
  },
  consent: ({ flow, form, state }) => {
    const { account, app, consents } = state;
    if (form.get('action') !== 'accept') throw new Declined(new AadstsError(65004));
    if (!account) return;
    const administrator = isAdministrator(state);
    for (const consent of consents) refuseAdminConsent(consent, administrator);
    const everybody = administrator && form.get('everybody') === '1';
    for (const { resource, missing } of consents) {
      const names = missing.map((scope) => scope.value);
      if (names.length === 0) continue;
      recordConsent(account.tenant, app, resource, names, everybody ? undefined : account.user.id);
    }
    flow.consented = true;
  },
  'confirm-app': ({ flow, form }) => {
    if (form.get('action') !== 'continue') throw new Declined(new AadstsError(70020));
    flow.confirmed = true;
  },
  'stay-signed-in': ({ flow, form }) => {
    flow.stay = form.get('action') === 'yes';
  },
  done: () => {},
};

/** Applies a submitted page to its flow. @throws AadstsError, {@link Declined} */
export function act(step: Step, action: ActionContext): void {
  ACTIONS[step](action);
}
