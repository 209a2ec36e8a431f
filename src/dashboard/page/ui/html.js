import htm from 'htm';
import { h } from 'preact';
import { spelled } from '../core/format.js';

/**
 * Whatever a view forgets: no text in the page turns the direction of another, or hides in it.
 * @param {unknown} child
 * @returns {any}
 */
function shown(child) {
  if (typeof child === 'string') return spelled(child);
  return Array.isArray(child) ? child.map(shown) : child;
}

/** Templates of the page. Values become text or elements, never markup. */
export const html = htm.bind((type, props, ...children) => h(type, props, ...children.map(shown)));
