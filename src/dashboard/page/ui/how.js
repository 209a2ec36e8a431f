import { useState } from 'preact/hooks';
import { ApiError } from '../core/api.js';
import { plain } from '../core/format.js';
import { IS_REPORT } from '../core/report.js';
import { command, curlToApi } from '../core/shell.js';
import { Store } from '../core/store.js';
import { Copy } from './copy.js';
import { useStore } from './hooks.js';
import { html } from './html.js';

/**
 * How to do the same without this page, as a command and as a request, for every action.
 * @typedef {{ title: string, cli: readonly string[], rest: { method?: string, path: string, body?: unknown } }} How
 */

class HowStore extends Store {
  /** @type {How | undefined} */
  current = undefined;
  /** @type {How | undefined} what the view itself shows, when no action is looked at */
  view = undefined;

  /** @param {How | undefined} how */
  show(how) {
    if (how === undefined || how === this.current) return;
    this.current = how;
    this.changed(0);
  }

  /** @param {How} how */
  showView(how) {
    this.view = how;
    this.current = how;
    this.changed(0);
  }
}

export const how = new HowStore();

class Messages extends Store {
  /** @type {{ text: string, bad: boolean } | undefined} */
  current = undefined;
  carried = false;

  /** @param {string} text @param {boolean} [bad] */
  say(text, bad = false) {
    this.current = { text, bad };
    this.changed(0);
  }

  clear() {
    this.current = undefined;
    this.changed(0);
  }

  /** The next message stays although it belongs to another view. */
  carry() {
    this.carried = true;
  }

  /** Another view is open. */
  leave() {
    if (!this.carried) this.clear();
    this.carried = false;
  }
}

export const messages = new Messages();

/** @param {unknown} error */
export function complain(error) {
  const { message, hint, code } = /** @type {ApiError} */ (error);
  messages.say(error instanceof ApiError ? `${message} ${hint} (${code})` : String(message), true);
}

/**
 * A button with an action; when pointed at or focused, the strip below shows how to do it elsewhere. In a report, only
 * buttons that read (`looks`) and change nothing are enabled.
 * @param {{ looks?: boolean, how: How, run: () => unknown, done?: string, kind?: string, disabled?: boolean, pressed?: boolean, children?: any, label?: string }} props
 */
export function Act({ how: how_, run, done, kind = '', disabled = false, pressed, children, label, looks = false }) {
  const [busy, setBusy] = useState(false);
  if (IS_REPORT && !looks) return null;
  const show = () => how.show(how_);
  const act = async () => {
    show();
    setBusy(true);
    try {
      const said = await run();
      messages.say(done ?? (typeof said === 'string' ? said : `${how_.title}: done.`));
    } catch (error) {
      complain(error);
    } finally {
      setBusy(false);
    }
  };
  return html`<button
    type="button"
    class=${`act ${kind}`}
    disabled=${disabled}
    aria-busy=${busy ? 'true' : undefined}
    aria-pressed=${pressed === undefined ? undefined : String(pressed)}
    aria-label=${label}
    onMouseEnter=${show}
    onFocus=${show}
    onClick=${act}
  >${children}</button>`;
}

/** The strip at the foot: the same action as a command and as a request. */
export function HowStrip() {
  const { current } = useStore(how);
  const [open, setOpen] = useState(false);
  if (!current) return null;
  const { title, cli, rest } = current;
  // Commands address the running instance, not a report.
  const cliText = !IS_REPORT && command(...cli);
  const restText = curlToApi(location.origin, rest, ...(IS_REPORT ? ['$SECRET'] : []));
  return html`<aside class=${`how ${open ? 'open' : ''}`} aria-label="The same without this page">
    <button type="button" class="how-title" aria-expanded=${String(open)} onClick=${() => setOpen(!open)}>
      <span class="how-caret" aria-hidden="true"></span><span>${title}</span>
    </button>
    ${cliText && html`<div class="how-line"><span class="how-kind">CLI</span><code>${cliText}</code><${Copy} text=${cliText} what="the command" /></div>`}
    <div class="how-line"><span class="how-kind">REST</span><code title=${restText}>${
      open
        ? restText
        : `${rest.method ?? 'GET'} ${rest.path}${rest.body === undefined ? '' : ` ${JSON.stringify(rest.body)}`}`
    }</code><${Copy} text=${restText} what="the request as curl" /></div>
  </aside>`;
}

/** The latest message, announced by screen readers. */
export function MessageLine() {
  const { current } = useStore(messages);
  return html`<div class=${`message ${current?.bad ? 'bad' : ''}`} role="status" aria-live="polite">
    ${
      current &&
      html`<span>${plain(current.text)}</span><button type="button" class="quiet" aria-label="Dismiss the message" onClick=${() => messages.clear()}>×</button>`
    }
  </div>`;
}
