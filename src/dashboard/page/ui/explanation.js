import { useRef } from 'preact/hooks';
import { ApiError, json, query } from '../core/api.js';
import { codeParts, plain } from '../core/format.js';
import { Poll } from '../core/poll.js';
import { IS_REPORT } from '../core/report.js';
import { command } from '../core/shell.js';
import { Copy } from './copy.js';
import { useStore } from './hooks.js';
import { html } from './html.js';

/** Valid characters of session IDs: the page's URL may contain anything, and invalid IDs are not requested. */
const SESSION_ID = /^[a-z0-9]{1,20}$/;

/**
 * What a client did, what was decided and why, and what to try next, in plain words (`GET /api/explain`).
 * @param {{ session?: string, title: string }} props without a session: the last client
 */
export function Explanation({ session, title }) {
  return session === undefined || SESSION_ID.test(session) ? html`<${Told} session=${session} title=${title} />` : null;
}

/** @param {{ session?: string, title: string }} props */
function Told({ session, title }) {
  const poll = useRef(/** @type {any} */ (undefined));
  poll.current ??= new Poll(
    (cost) =>
      json(`/api/explain${session === undefined ? '' : `?${query({ session })}`}`, { cost }).catch((error) => {
        // No client has connected yet, or the journal no longer has events of this one.
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }),
    10_000,
  );
  const { value } = useStore(poll.current);
  if (!value) return null;
  const words = ['explain', ...(session === undefined ? ['last'] : [session])];
  return html`<section class="card explanation" aria-label=${title}>
    <div class="card-head"><h2>${title}</h2>${!IS_REPORT && html`<span class="small mono">${command(...words)} <${Copy} text=${command(...words)} what="the command" /></span>`}</div>
    <p class="summary-line">${plain(value.summary)}</p>
    ${(value.findings ?? []).map(
      (/** @type {any} */ one) => html`<article key=${`${one.cause}-${one.seq}`} class=${`finding ${one.weight}`}>
        <h3>${plain(one.title)} ${one.times > 1 && html`<span class="chip none">${one.times} times</span>`} ${one.overcome && html`<span class="chip good">overcome</span>`}</h3>
        <p>${sentence(one.what)} ${sentence(one.why)}</p>
        <ul>${(one.next ?? []).map((/** @type {string} */ next) => html`<li key=${next}>${sentence(next)}</li>`)}</ul>
      </article>`,
    )}
  </section>`;
}

/** A sentence with its commands as code. @param {unknown} text */
function sentence(text) {
  return codeParts(plain(text)).map((part) => (part.code ? html`<code>${part.text}</code>` : part.text));
}
