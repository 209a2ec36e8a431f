import htm from 'htm';
import { h } from 'preact';

/** Templates of the page. Values become text or elements, never markup. */
export const html = htm.bind(h);
