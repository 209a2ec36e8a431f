import htm from 'htm';
import { h } from 'preact';

/** Templates of the page. What is put into one is a text or an element, and never markup. */
export const html = htm.bind(h);
