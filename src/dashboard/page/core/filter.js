/**
 * The events that match a search, updated incrementally: processes only new events.
 * @typedef {import('./live.js').JournalEvent} JournalEvent
 * @typedef {{ words: string, name: string, level: string }} Search
 */

const RANK = /** @type {Record<string, number>} */ ({ trace: 10, debug: 20, info: 30, warn: 40, error: 50 });

export class Filter {
  /** @type {JournalEvent[]} */
  rows = [];
  key = '';
  last = 0;
  first = 0;

  /** @param {readonly JournalEvent[]} events oldest first @param {Search} search */
  rowsOf(events, search) {
    const key = `${search.level}\n${search.name}\n${search.words}`;
    const first = events[0]?.seq ?? 0;
    const whole = key !== this.key || first !== this.first;
    const matches = matcher(search);
    const from = whole ? 0 : indexAfter(events, this.last);
    if (whole || from < events.length) {
      const more = from === 0 ? events.filter(matches) : events.slice(from).filter(matches);
      // A new list each time, so that comparisons detect the change.
      this.rows = whole ? more : more.length === 0 ? this.rows : [...this.rows, ...more];
    }
    this.key = key;
    this.first = first;
    this.last = events.at(-1)?.seq ?? 0;
    return this.rows;
  }
}

/** @param {Search} search @returns {(event: JournalEvent) => boolean} */
export function matcher({ words, name, level }) {
  const least = RANK[level] ?? 0;
  const parts = words
    .split(/\s+/)
    .filter(Boolean)
    .map((one) => new RegExp(one.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i'));
  return (event) =>
    (RANK[event.level] ?? 0) >= least &&
    (name === '' || event.name === name || event.name.startsWith(`${name}.`)) &&
    parts.every((part) => part.test(event.text) || part.test(event.name) || inFields(event.fields, part));
}

/** @param {Record<string, unknown>} fields @param {RegExp} part */
function inFields(fields, part) {
  for (const value of Object.values(fields)) if (typeof value === 'string' && part.test(value)) return true;
  return false;
}

/** Where the first event with a higher number is. @param {readonly JournalEvent[]} events @param {number} seq */
export function indexAfter(events, seq) {
  let low = 0;
  let high = events.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {JournalEvent} */ (events[middle]).seq <= seq) low = middle + 1;
    else high = middle;
  }
  return low;
}
