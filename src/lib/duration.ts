import { TunneliteError } from './errors.ts';
import { printable } from './printable.ts';

/** Milliseconds by unit, the largest first. A year is 365 days, as in the lifetimes of certificates. */
const UNITS = {
  y: 31_536_000_000,
  w: 604_800_000,
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1000,
  ms: 1,
} as const;
type Unit = keyof typeof UNITS;
const ORDER = Object.keys(UNITS) as Unit[];

/** Longest accepted duration: a hundred years, in milliseconds. */
export const MAX_DURATION = 100 * UNITS.y;

/** Maximum length of a duration string. */
const MAX_LENGTH = 64;
const PART = /(\d{1,15}(?:\.\d{1,9})?)\s*(ms|y|w|d|h|m|s)\s*/y;

/**
 * A duration in whole milliseconds.
 *
 * @param duration numbers with units, from the largest to the smallest: `3600s`, `90m`, `1h30m`, `2d`, `500ms`, `1.5h`, `10y` (a year
 *   is 365 days); a number is in milliseconds, as everywhere in the programming interface
 * @throws TunneliteError `ERR_DURATION_INVALID`
 * @example
 * ```ts
 * parseDuration('1h30m') === 5_400_000;
 * ```
 */
export function parseDuration(duration: string | number): number {
  if (typeof duration !== 'number' && typeof duration !== 'string') {
    throw invalid(
      `A duration is a string or a number of milliseconds, not ${duration === null ? 'null' : typeof duration}.`,
    );
  }
  const milliseconds = typeof duration === 'number' ? duration : read(duration);
  if (!Number.isFinite(milliseconds) || milliseconds < 0) {
    throw invalid(`A duration cannot be ${duration}: it must be a number of milliseconds, 0 or more.`);
  }
  if (milliseconds > MAX_DURATION) {
    throw invalid(`The duration ${shown(duration)} is too long: the maximum is 100 years (“100y”).`);
  }
  return Math.round(milliseconds);
}

/**
 * Checks a timeout in milliseconds; Infinity means no limit.
 * @throws TunneliteError `ERR_DURATION_INVALID` if it is not a number, or negative
 */
export function checkTimeout(timeout: number): number {
  if (typeof timeout === 'number' && timeout >= 0) return timeout;
  throw invalid(`A timeout is a number of milliseconds, 0 or more, not ${printable(String(timeout))}.`);
}

function read(text: string): number {
  const trimmed = text.length <= MAX_LENGTH ? text.trim() : '';
  let total = 0;
  let last = -1;
  PART.lastIndex = 0;
  while (PART.lastIndex < trimmed.length) {
    const match = PART.exec(trimmed);
    if (!match) throw unreadable(text);
    const unit = match[2] as Unit;
    const place = ORDER.indexOf(unit);
    if (place <= last) throw unreadable(text);
    last = place;
    total += Number(match[1]) * UNITS[unit];
  }
  if (last < 0) throw unreadable(text);
  return total;
}

function unreadable(text: string): TunneliteError {
  const bare = /^\s*[-+]?\d+(\.\d+)?\s*$/.test(text);
  return invalid(
    bare && !text.includes('-')
      ? `The duration ${shown(text)} has no unit: write “${text.trim()}s” for seconds or “${text.trim()}ms” for milliseconds.`
      : `The text ${shown(text)} is not a duration.`,
  );
}

const invalid = (message: string): TunneliteError => new TunneliteError('ERR_DURATION_INVALID', message);
const shown = (duration: string | number): string => `“${printable(String(duration).slice(0, MAX_LENGTH))}”`;

/** Formats milliseconds for `parseDuration`, in the fewest units: `1h30m`, `2d`, `500ms`. Rounds fractions of a millisecond. */
export function durationText(milliseconds: number): string {
  let left = Math.round(Math.abs(milliseconds));
  let text = '';
  for (const unit of ORDER) {
    // Days are easier to read than weeks and years.
    if (unit === 'y' || unit === 'w') continue;
    const count = Math.floor(left / UNITS[unit]);
    if (count > 0) text += `${count}${unit}`;
    left -= count * UNITS[unit];
  }
  return `${milliseconds < 0 && text ? '-' : ''}${text || '0s'}`;
}
