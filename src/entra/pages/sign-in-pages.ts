import { type Html, html } from '../../lib/html.ts';
import type { PublishedScope } from '../directory/schema.ts';
import { field, notice, type Page } from './layout.ts';

/** Members of every sign-in form. */
export interface FormContext {
  readonly action: string;
  readonly flow: string;
  /** Proves that the form belongs to us and to this browser. */
  readonly canary: string;
  readonly brand: string;
  readonly notice: string | undefined;
}

function form(context: FormContext, content: Html): Html {
  return html`<form method="post" action="${context.action}">
<input type="hidden" name="flow" value="${context.flow}">
<input type="hidden" name="canary" value="${context.canary}">
${content}
</form>`;
}

function who(username: string): Html {
  return html`<p class="who"><span class="soft">Signed in as </span>${username}</p>`;
}

function accountButton(name: string, value: string, title: string, detail: string): Html {
  return html`<li><button type="submit" name="${name}" value="${value}"><span class="face" aria-hidden="true">${title.slice(0, 1).toUpperCase()}</span><span class="two">${title}<small>${detail}</small></span></button></li>`;
}

export interface AccountChoice {
  readonly id: string;
  readonly title: string;
  readonly detail: string;
}

export function pickAccountPage(context: FormContext, app: string, accounts: readonly AccountChoice[]): Page {
  return {
    heading: 'Pick an account',
    brand: context.brand,
    body: form(
      context,
      html`<p class="soft">to continue to ${app}</p>${notice(context.notice)}
<ul class="accounts">${accounts.map((account) => accountButton('account', account.id, account.title, account.detail))}
${accountButton('account', 'other', 'Use another account', 'Sign in with another name')}</ul>`,
    ),
  };
}

export function usernamePage(context: FormContext, app: string, value: string, known: readonly AccountChoice[]): Page {
  const input = field(
    { name: 'login', label: 'Email, phone, or user name', type: 'text', value, autocomplete: 'username' },
    context.notice !== undefined,
  );
  const accounts =
    known.length > 0 &&
    html`<details><summary>Accounts of this test directory</summary>
<ul class="accounts">${known.map((account) => accountButton('pick', account.id, account.title, account.detail))}</ul></details>`;
  return {
    heading: 'Sign in',
    brand: context.brand,
    body: html`${form(
      context,
      html`<p class="soft">to continue to ${app}</p>${notice(context.notice)}${input}
<div class="actions"><button type="submit" class="main">Next</button></div>`,
    )}${accounts && form(context, accounts)}`,
  };
}

export function passwordPage(context: FormContext, username: string): Page {
  const input = field(
    { name: 'passwd', label: 'Password', type: 'password', autocomplete: 'current-password' },
    context.notice !== undefined,
  );
  return {
    heading: 'Enter password',
    brand: context.brand,
    body: form(
      context,
      html`<p class="who">${username}</p>${notice(context.notice)}
<input type="text" name="username" value="${username}" autocomplete="username" hidden>
${input}
<div class="actions"><button type="submit" class="main">Sign in</button><button type="submit" name="action" value="back" formnovalidate>Back</button></div>`,
    ),
  };
}

export function newPasswordPage(context: FormContext, username: string, reason: string): Page {
  const invalid = context.notice !== undefined;
  return {
    heading: 'Update your password',
    brand: context.brand,
    body: form(
      context,
      html`<p class="who">${username}</p>${notice(context.notice)}<p class="soft">${reason}</p>
${field({ name: 'newpasswd', label: 'New password', type: 'password', autocomplete: 'new-password' }, invalid)}
${field({ name: 'confirm', label: 'Confirm password', type: 'password', autocomplete: 'new-password', focus: false }, invalid)}
<div class="actions"><button type="submit" class="main">Sign in</button></div>`,
    ),
  };
}

export function mfaRegistrationPage(context: FormContext, username: string): Page {
  return {
    heading: 'More information required',
    brand: context.brand,
    body: form(
      context,
      html`${who(username)}<p>Your organization needs more information to keep your account secure. Continue to register a second factor for this account.</p>
<div class="actions"><button type="submit" name="action" value="next" class="main">Next</button><button type="submit" name="action" value="cancel">Cancel</button></div>`,
    ),
  };
}

export function mfaPage(context: FormContext, username: string): Page {
  const input = field(
    { name: 'otc', label: 'Code', type: 'text', autocomplete: 'one-time-code', code: true },
    context.notice !== undefined,
  );
  return {
    heading: 'Enter code',
    brand: context.brand,
    body: form(
      context,
      html`${who(username)}${notice(context.notice)}<p class="soft">Enter the code of the user's <code>mfaCode</code> setting, 123456 if it has none.</p>${input}
<div class="actions"><button type="submit" name="action" value="verify" class="main">Verify</button><button type="submit" name="action" value="cancel" formnovalidate>Cancel</button></div>`,
    ),
  };
}

/** A permission and its API. */
export interface ConsentScope extends PublishedScope {
  readonly resource: string;
}

export interface ConsentPage {
  readonly username: string;
  readonly app: string;
  readonly scopes: readonly ConsentScope[];
  /** True if the user can consent for the whole tenant. */
  readonly administrator: boolean;
}

export function consentPage(context: FormContext, consent: ConsentPage): Page {
  const everybody =
    consent.administrator &&
    html`<label class="check"><input type="checkbox" name="everybody" value="1"> <span>Consent on behalf of your organization</span></label>`;
  return {
    heading: 'Permissions requested',
    brand: context.brand,
    body: form(
      context,
      html`${who(consent.username)}<p><strong>${consent.app}</strong> would like to:</p>
<ul class="scopes">${consent.scopes.map(
        (scope) => html`<li>${scope.description ?? scope.value}<small>${scope.resource}: ${scope.value}</small></li>`,
      )}</ul>${everybody}
<div class="actions"><button type="submit" name="action" value="accept" class="main">Accept</button><button type="submit" name="action" value="cancel">Cancel</button></div>`,
    ),
  };
}

export function confirmAppPage(context: FormContext, username: string, app: string): Page {
  return {
    heading: `Are you trying to sign in to ${app}?`,
    brand: context.brand,
    body: form(
      context,
      html`${who(username)}<p>Only continue if you began this sign-in yourself on another device.</p>
<div class="actions"><button type="submit" name="action" value="continue" class="main">Continue</button><button type="submit" name="action" value="cancel">Cancel</button></div>`,
    ),
  };
}

export function staySignedInPage(context: FormContext, username: string): Page {
  return {
    heading: 'Stay signed in?',
    brand: context.brand,
    body: form(
      context,
      html`${who(username)}<p>Do this to reduce the number of times you are asked to sign in.</p>
<div class="actions"><button type="submit" name="action" value="yes" class="main">Yes</button><button type="submit" name="action" value="no">No</button></div>`,
    ),
  };
}

export function stsPage(context: FormContext, organization: string, username: string): Page {
  const invalid = context.notice !== undefined;
  return {
    heading: `Sign in to ${organization}`,
    brand: `${organization} Federation Service`,
    sts: true,
    body: form(
      context,
      html`<p class="soft">Your organization signs you in with its own service.</p>${notice(context.notice)}
${field({ name: 'username', label: 'User name', type: 'text', value: username, autocomplete: 'username', focus: username === '' }, invalid)}
${field({ name: 'passwd', label: 'Password', type: 'password', autocomplete: 'current-password', focus: username !== '' }, invalid)}
<div class="actions"><button type="submit" class="main">Sign in</button></div>`,
    ),
  };
}

export function deviceCodePage(context: FormContext, value: string): Page {
  const input = field(
    { name: 'otc', label: 'Code', type: 'text', value, autocomplete: 'off', code: true },
    context.notice !== undefined,
  );
  return {
    heading: 'Enter code to allow access',
    brand: context.brand,
    body: form(
      context,
      html`<p class="soft">Once you enter the code displayed on your app or device, it will have access to your account. Do not enter codes from sources that you do not trust.</p>${notice(context.notice)}${input}
<div class="actions"><button type="submit" class="main">Next</button></div>`,
    ),
  };
}
