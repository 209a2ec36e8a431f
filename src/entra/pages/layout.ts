import { type Html, Html as HtmlText, html } from '../../lib/html.ts';
import { STYLE } from './style.ts';

const LOGO = new HtmlText(
  '<svg viewBox="0 0 24 24" aria-hidden="true"><path d="M2 20V12a10 10 0 0 1 20 0v8h-5v-8a5 5 0 0 0-10 0v8z" fill="#0a5fb4"/><circle cx="12" cy="18" r="2.2" fill="#2e9e63"/></svg>',
);

export interface Page {
  /** Title of the document. Default: the heading. */
  readonly title?: string;
  readonly heading: string;
  readonly body: Html;
  /** Text beside the logo. */
  readonly brand: string;
  /** A different look for the organization's own sign-in service. */
  readonly sts?: boolean;
}

/** A complete document. The nonce allows its style sheet and its script, if any. */
export function renderPage(page: Page, nonce: string): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${page.title ?? page.heading}</title>
<style nonce="${nonce}">${new HtmlText(STYLE)}</style>
</head>
<body>
<main${page.sts ? new HtmlText(' class="sts"') : undefined}>
<p class="brand">${LOGO} ${page.brand}</p>
<h1>${page.heading}</h1>
${page.body}
</main>
<footer>Tunnelite: a simulated Microsoft Entra ID for tests. Do not enter a real password.</footer>
</body>
</html>
`.toString();
}

/** A message about the last attempt; screen readers announce it at once. */
export function notice(text: string | undefined): Html | undefined {
  return text === undefined ? undefined : html`<p class="notice" role="alert" id="notice">${text}</p>`;
}

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly type: 'text' | 'email' | 'password';
  readonly value?: string;
  readonly autocomplete: string;
  readonly code?: boolean;
  readonly focus?: boolean;
}

/** A labeled input; the page's notice shows its error, if any. */
export function field(input: Field, invalid: boolean): Html {
  const marks = invalid ? html` aria-invalid="true" aria-describedby="notice"` : undefined;
  const shape = input.code ? html` class="code" inputmode="text" maxlength="12" spellcheck="false"` : undefined;
  return html`<label for="${input.name}">${input.label}</label>
<input id="${input.name}" name="${input.name}" type="${input.type}" value="${input.value ?? ''}" autocomplete="${input.autocomplete}"${shape} required${input.focus === false ? undefined : html` autofocus`}${marks}>`;
}
