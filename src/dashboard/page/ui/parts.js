import { useEffect, useRef } from 'preact/hooks';
import { clock, plain } from '../core/format.js';
import { html } from './html.js';

/** The channel that data goes over, as a word and a colour. @param {{ channel: string | undefined }} props */
export function Channel({ channel }) {
  if (channel === 'dtls') return html`<span class="chip dtls">DTLS</span>`;
  if (channel === 'cstp') return html`<span class="chip cstp">TLS</span>`;
  if (channel === undefined || channel === '') return html`<span class="chip none">none</span>`;
  return html`<span class="chip">${plain(channel)}</span>`;
}

/** A heading with what belongs beside it. @param {{ title: any, about?: any, children?: any }} props */
export function Heading({ title, about, children }) {
  return html`<div class="heading"><div class="heading-words"><h1>${title}</h1>${about && html`<p>${about}</p>`}</div><div class="heading-tools">${children}</div></div>`;
}

/** @param {{ value: string, onInput: (value: string) => void, label: string, hint?: string }} props */
export function Search({ value, onInput, label, hint = '' }) {
  return html`<input
    class="search"
    type="search"
    aria-label=${label}
    placeholder=${hint || label}
    value=${value}
    spellcheck=${false}
    autocomplete="off"
    data-search=""
    onInput=${(/** @type {any} */ event) => onInput(event.currentTarget.value)}
  />`;
}

/** @param {{ value: string, onChange: (value: string) => void, label: string, options: readonly (readonly [string, string])[] }} props */
export function Select({ value, onChange, label, options }) {
  return html`<select aria-label=${label} value=${value} onChange=${(/** @type {any} */ event) => onChange(event.currentTarget.value)}>
    ${options.map(([key, text]) => html`<option key=${key} value=${key} selected=${key === value}>${text}</option>`)}
  </select>`;
}

/** Names and values, one below the other. @param {{ rows: readonly (readonly [string, any])[] }} props */
export function Facts({ rows }) {
  return html`<dl class="facts">${rows
    .filter(([, value]) => value !== undefined && value !== '' && value !== null)
    .map(
      ([name, value]) =>
        html`<div key=${name}><dt>${name}</dt><dd>${typeof value === 'string' ? plain(value) : value}</dd></div>`,
    )}</dl>`;
}

/** A block of text to copy, such as a command; line ends are the only characters in it that do something. @param {{ text: string, children?: any }} props */
export function Code({ text, children }) {
  return html`<div class="code"><pre tabindex="0"><code>${text.split('\n').map(plain).join('\n')}</code></pre>${children}</div>`;
}

/** As a date, where there is one. @param {number} at */
function dated(at) {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date;
}

/** @param {{ at: number }} props */
export function Time({ at }) {
  return html`<time datetime=${dated(at)?.toISOString() ?? ''} title=${dated(at)?.toString() ?? ''}>${clock(at)}</time>`;
}

/** A panel beside a list, that takes the focus as it opens. @param {{ title: string, onClose: () => void, children?: any, openKey: string }} props */
export function Panel({ title, onClose, children, openKey }) {
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => ref.current?.focus({ preventScroll: true }), [openKey]);
  return html`<section class="panel" aria-label=${title} tabindex="-1" ref=${ref} onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && onClose()}>
    <div class="panel-head"><h2>${title}</h2><button type="button" class="quiet" aria-label="Close the details" onClick=${onClose}>×</button></div>
    <div class="panel-body" tabindex="0" role="group" aria-label=${`Details of ${title}`}>${children}</div>
  </section>`;
}
