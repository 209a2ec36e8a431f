import { useState } from 'preact/hooks';
import { html } from './html.js';

/** @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // A page that is not on loopback lacks this clipboard API.
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'off-screen';
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

/** @param {{ text: string, what: string }} props */
export function Copy({ text, what }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), 1500);
  };
  return html`<button type="button" class="quiet copy" aria-label=${`Copy ${what}`} onClick=${copy}>${done ? 'copied' : 'copy'}</button>`;
}

/** @param {string} name @param {string} type @param {string} text */
export function download(name, type, text) {
  downloadBlob(name, new Blob([text], { type }));
}

/** @param {string} name @param {Blob} blob */
export function downloadBlob(name, blob) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
