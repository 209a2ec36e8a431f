import { plain } from './format.js';

/**
 * Connect requests from the journal: one row each, which starts with `resource.request` and is complete with `resource.end`.
 *
 * @typedef {import('./live.js').JournalEvent} JournalEvent
 * @typedef {{
 *   id: string, seq: number, time: number, open: boolean, host: string, destination: string, protocol: string, channel: string, session: string,
 *   user: string, decision: string, rule: string, explanation: string, outcome: string, reason: string, target: string,
 *   milliseconds: number | undefined, answered: number | undefined, bytesIn: number, bytesOut: number, trace: string, text: string,
 * }} RequestRow
 */

export const REQUEST_EVENTS = ['resource.request', 'resource.end'];

const word = plain;

/** Rows by request, oldest first, bounded. */
export class Requests {
  /** @param {number} [most] */
  constructor(most = 20_000) {
    this.most = most;
    /** @type {Map<string, RequestRow>} */
    this.rows = new Map();
  }

  /** @param {readonly JournalEvent[]} events oldest first @returns {boolean} whether there was one */
  take(events) {
    let any = false;
    for (const event of events) {
      if (!REQUEST_EVENTS.includes(event.name)) continue;
      any = true;
      const id = word(event.fields.request);
      this.rows.set(id, rowOf(event, this.rows.get(id)));
      if (this.rows.size > this.most) this.rows.delete(/** @type {string} */ (this.rows.keys().next().value));
    }
    return any;
  }
}

/** @param {JournalEvent} event @param {RequestRow | undefined} before @returns {RequestRow} */
function rowOf({ name, seq, time, fields: f }, before) {
  const over = name === 'resource.end';
  const row = {
    id: word(f.request),
    seq: before?.seq ?? seq,
    time: before?.time ?? (typeof f.began === 'number' ? f.began : time),
    open: !over && f.decision !== 'deny',
    host: word(f.host),
    destination: word(f.destination),
    protocol: word(f.protocol),
    channel: word(f.channel),
    session: word(f.session),
    user: word(f.signInName ?? f.user),
    decision: word(f.decision),
    rule: word(f.rule),
    explanation: word(f.explanation),
    outcome: over ? word(f.outcome) : f.decision === 'deny' ? 'denied' : 'open',
    reason: word(f.reason),
    target: word(f.target),
    milliseconds: typeof f.milliseconds === 'number' ? f.milliseconds : undefined,
    answered: typeof f.answered === 'number' ? f.answered : undefined,
    bytesIn: Number(f.bytesIn ?? 0),
    bytesOut: Number(f.bytesOut ?? 0),
    trace: word(f.trace),
    text: '',
  };
  row.text = [
    row.id,
    row.host,
    row.destination,
    row.protocol,
    row.channel,
    row.session,
    row.user,
    row.outcome,
    row.rule,
    row.explanation,
  ]
    .join(' ')
    .toLowerCase();
  return row;
}

/**
 * Rows that contain every word of a search.
 * @template {{ text: string }} T
 * @param {readonly T[]} rows @param {string} search @returns {readonly T[]}
 */
export function matching(rows, search) {
  const words = search
    .toLowerCase()
    .split(/\s+/)
    .filter((one) => one !== '');
  return words.length === 0 ? rows : rows.filter(({ text }) => words.every((one) => text.includes(one)));
}
