import { useEffect, useState } from 'preact/hooks';
import { html } from './html.js';

const STORE = 'tunnelite.keys';
const on = () => localStorage.getItem(STORE) !== 'off';

/** True where a key means a letter. @param {EventTarget | null} target */
function typing(target) {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/**
 * Single-key shortcuts for frequent actions; they can be turned off (WCAG 2.1.4).
 * @param {{ views: readonly string[], onHelp: () => void }} options
 */
export function useKeys({ views, onHelp }) {
  useEffect(() => {
    const onKey = (/** @type {KeyboardEvent} */ event) => {
      if (!on() || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
      const view = /^[1-9]$/.test(event.key) ? views[Number(event.key) - 1] : undefined;
      if (view !== undefined) location.hash = `#/${view}`;
      else if (event.key === '?') onHelp();
      else if (event.key === '/') {
        event.preventDefault();
        /** @type {HTMLElement | null} */ (document.querySelector('[data-search]'))?.focus();
      }
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);
}

/** @param {{ onClose: () => void }} props */
export function Keys({ onClose }) {
  const [enabled, setEnabled] = useState(on());
  const rows = [
    ['1 … 9', 'the views, in their order'],
    ['/', 'search in this view'],
    ['↑ ↓ Page Home End', 'move through a list'],
    ['Enter', 'open what is chosen'],
    ['Esc', 'close the details'],
    ['← → ↑ ↓ Home End', 'in the timeline: move, zoom, how it connected, all'],
    ['?', 'this'],
  ];
  return html`<section class="keys" aria-label="Keys">
    <dl>${rows.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl>
    <label class="check"><input type="checkbox" checked=${enabled} onChange=${() => {
      localStorage.setItem(STORE, enabled ? 'off' : 'on');
      setEnabled(!enabled);
    }} /> Single keys are on</label>
    <button type="button" class="act" onClick=${onClose}>Close</button>
  </section>`;
}
