/* Formatting of values. Nothing here creates markup: strings stay strings. */

/**
 * Control characters, Unicode line ends and direction marks: they could make a client's name look like
 * something else. Shown as `\u202e`.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** @param {string} one */
const spell = (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * Formats any value as one harmless line.
 * @param {unknown} value
 */
export function plain(value) {
  if (value === undefined || value === null) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return text.replace(UNPRINTABLE, spell);
}

/** The same without line breaks and tabs, which a text of several lines keeps. */
const HIDDEN =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/**
 * Spells what would change how other text looks, and leaves lines as they are.
 * @param {string} text
 */
export const spelled = (text) => (text.search(HIDDEN) < 0 ? text : text.replace(HIDDEN, spell));

/** @param {unknown} value @param {number} length */
export function short(value, length) {
  const text = plain(value);
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}

const BYTES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Bytes with three digits: `1.23 MB`. @param {unknown} count */
export function bytes(count) {
  return scaled(count, BYTES);
}

const BITS = ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s', 'Tbit/s'];

/** @param {unknown} perSecond bits a second */
export function bits(perSecond) {
  return scaled(perSecond, BITS);
}

/** @param {unknown} count @param {readonly string[]} units */
function scaled(count, units) {
  let value = Number(count);
  if (!Number.isFinite(value) || value < 0) return '–';
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/** A count with thousands apart: `12 345`. @param {unknown} value */
export function count(value) {
  const number = Number(value);
  if (!Number.isFinite(number)) return '–';
  return String(Math.round(number)).replace(/\B(?=(\d{3})+(?!\d))/g, '\u202f');
}

/** A span of time: `4 ms`, `1.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. @param {unknown} milliseconds */
export function span(milliseconds) {
  const ms = Number(milliseconds);
  if (!Number.isFinite(ms)) return '–';
  if (ms < 0) return `−${span(-ms)}`;
  if (ms < 1) return ms === 0 ? '0 ms' : `${ms.toFixed(2)} ms`;
  if (ms < 999.5) return `${Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 59.95) return `${s.toFixed(s < 9.995 ? 2 : 1)} s`;
  const whole = Math.round(s);
  if (whole < 3600) return two(whole, 60, 'min', 's');
  if (whole < 86_400) return two(Math.round(whole / 60), 60, 'h', 'min');
  return two(Math.round(whole / 3600), 24, 'd', 'h');
}

/** @param {number} value @param {number} base @param {string} large @param {string} small */
function two(value, base, large, small) {
  const rest = value % base;
  return `${Math.floor(value / base)} ${large}${rest === 0 ? '' : ` ${rest} ${small}`}`;
}

/** Time of day of this browser, with milliseconds. @param {unknown} at milliseconds since the Unix epoch */
export function clock(at) {
  const date = new Date(Number(at));
  if (Number.isNaN(date.getTime())) return '–';
  const part = (/** @type {number} */ value, length = 2) => String(value).padStart(length, '0');
  return `${part(date.getHours())}:${part(date.getMinutes())}:${part(date.getSeconds())}.${part(date.getMilliseconds(), 3)}`;
}

/** Date and time. @param {unknown} at milliseconds since the Unix epoch */
export function moment(at) {
  const date = new Date(Number(at));
  if (Number.isNaN(date.getTime())) return '–';
  const part = (/** @type {number} */ value) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${part(date.getMonth() + 1)}-${part(date.getDate())} ${clock(at).slice(0, 8)}`;
}

/** How many, with the noun: `1 session`, `2 sessions`. @param {number} number @param {string} noun */
export function plural(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/**
 * The parts of a sentence: those in backquotes, such as commands, are code.
 * @param {string} text @returns {readonly { code: boolean, text: string }[]}
 */
export function codeParts(text) {
  const pieces = text.split('`');
  // A backquote without a partner is only a character.
  if (pieces.length % 2 === 0) return [{ code: false, text }];
  return pieces.map((piece, i) => ({ code: i % 2 === 1, text: piece })).filter((part) => part.text !== '');
}
