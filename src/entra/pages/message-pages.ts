import { html } from '../../lib/html.ts';
import type { Page } from './layout.ts';

/** An informational page. */
export function messagePage(brand: string, heading: string, text: string): Page {
  return { heading, brand, body: html`<p>${text}</p>` };
}

export interface ErrorPage {
  readonly brand: string;
  readonly code: number;
  readonly text: string;
  readonly traceId: string;
  readonly correlationId: string;
  readonly timestamp: string;
  /** URL of the app with the error; undefined if the app must not get it. */
  readonly backToApp: string | undefined;
}

/** Entra's page for a refused sign-in. */
export function errorPage(error: ErrorPage): Page {
  return {
    heading: "Sorry, but we're having trouble signing you in.",
    title: `AADSTS${error.code}: sign-in failed`,
    brand: error.brand,
    body: html`<p class="notice" role="alert">AADSTS${error.code}: ${error.text}</p>
<details open><summary>Troubleshooting details</summary>
<dl><dt>Error code</dt><dd>${error.code}</dd><dt>Request Id</dt><dd>${error.traceId}</dd><dt>Correlation Id</dt><dd>${error.correlationId}</dd><dt>Timestamp</dt><dd>${error.timestamp}</dd></dl></details>
${error.backToApp !== undefined && html`<div class="actions"><a class="button main" href="${error.backToApp}">Return to the app</a></div>`}`,
  };
}

/** Posts parameters to another URL: automatically where scripts run, with its button elsewhere. */
export function relayPage(
  brand: string,
  action: string,
  parameters: Iterable<readonly [string, string]>,
  nonce: string,
): Page {
  const inputs = [...parameters].map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return {
    heading: 'Working…',
    brand,
    body: html`<form method="post" action="${action}" id="relay">${inputs}
<p>You are being taken back to the app.</p>
<div class="actions"><button type="submit" class="main">Continue</button></div></form>
<script nonce="${nonce}">document.getElementById('relay').submit();</script>`,
  };
}
