import { useState } from 'preact/hooks';
import { IS_REPORT } from '../core/report.js';
import { Copy } from './copy.js';
import { html } from './html.js';
import { Code } from './parts.js';

/** Asks for the secret where no link brought it. @param {{ problem: string, onSecret: (secret: string) => void }} props */
export function SignIn({ problem, onSecret }) {
  const [value, setValue] = useState('');
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    if (value.trim() !== '') onSecret(value.trim());
  };
  return html`<main id="main" class="sign-in">
    <h1><img src="/dashboard/icon.svg" alt="" width="28" height="28" /> Tunnelite</h1>
    ${
      IS_REPORT
        ? html`<p>This page shows a report, and needs the secret that <code>tunnelite open</code> printed. The link beside it brings it along, once.</p>`
        : html`<p>This page shows and changes everything of a running instance, so it needs the secret of that instance. A link brings it along:</p>
          <${Code} text="tunnelite dashboard"><${Copy} text="tunnelite dashboard" what="the command" /></${Code}>`
    }
    ${problem && html`<p class="notice bad" role="alert">${problem}</p>`}
    <form onSubmit=${submit}>
      <label for="secret">${IS_REPORT ? 'The secret' : html`Or paste the secret, which <code>tunnelite status --secret</code> prints`}</label>
      <div class="with-button">
        <input id="secret" type="password" autocomplete="off" spellcheck=${false} value=${value} onInput=${(/** @type {any} */ event) => setValue(event.currentTarget.value)} />
        <button type="submit" class="act primary">Open</button>
      </div>
    </form>
    <p class="small">It is kept in this tab only, until you close it.</p>
  </main>`;
}
