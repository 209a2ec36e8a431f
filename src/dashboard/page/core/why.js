import { plain } from './format.js';
import { Store } from './store.js';

/**
 * Why a session's data uses its current channel, from its events.
 *
 * @typedef {import('./live.js').JournalEvent} JournalEvent
 * @typedef {{ text: string, time: number, tone: 'good' | 'fallback' | 'quiet' }} Why
 */

/** Events that explain the channel. */
export const CHANNEL_EVENTS = ['channel.switch', 'channel.dtls.open', 'channel.dtls.close', 'channel.dtls.missing'];

/** @param {JournalEvent} event @returns {Why | undefined} */
export function whyOf({ name, time, fields }) {
  switch (name) {
    case 'channel.switch':
      return fields.to === 'dtls'
        ? { text: `back on DTLS: ${plain(fields.reason)}`, time, tone: 'good' }
        : { text: `fell back to TLS: ${plain(fields.reason)}`, time, tone: 'fallback' };
    case 'channel.dtls.open':
      return { text: `DTLS is up (${plain(fields.cipher)})`, time, tone: 'good' };
    case 'channel.dtls.close':
      return { text: `DTLS was closed: ${plain(fields.reason)}`, time, tone: 'fallback' };
    case 'channel.dtls.missing':
      return { text: `DTLS never came: ${plain(fields.explanation)}`, time, tone: 'fallback' };
    default:
      return undefined;
  }
}

/** Keeps the latest explanation for each session. */
export class Reasons extends Store {
  constructor() {
    super();
    /** @type {Map<string, Why>} */
    this.bySession = new Map();
    /** Number of changes. */
    this.version = 0;
  }

  /** @param {readonly JournalEvent[]} events oldest first */
  take(events) {
    const before = this.version;
    for (const event of events) this.#takeOne(event);
    if (this.version !== before) this.changed();
  }

  /** @param {JournalEvent} event */
  #takeOne(event) {
    const { session } = event.fields;
    if (typeof session !== 'string') return;
    if (event.name === 'session.disconnect' || event.name === 'session.connect') {
      if (this.bySession.delete(session)) this.version += 1;
    }
    const why = whyOf(event);
    if (why === undefined) return;
    const before = this.bySession.get(session);
    // The switch caused by opening DTLS explains less than the opening.
    if (before && event.name === 'channel.switch' && fieldsSaySame(before, why)) return;
    this.bySession.set(session, why);
    this.version += 1;
  }

  /** Adds what older events explain, where nothing newer does. @param {readonly JournalEvent[]} events oldest first */
  takeOlder(events) {
    const older = new Reasons();
    older.take(events);
    for (const [session, why] of older.bySession) if (!this.bySession.has(session)) this.bySession.set(session, why);
    this.version += 1;
    this.changed();
  }

  /** Forgets sessions that are over. @param {ReadonlySet<string>} ids */
  keep(ids) {
    for (const id of this.bySession.keys()) if (!ids.has(id)) this.bySession.delete(id);
  }

  /** @param {{ id: string, dataChannel?: string, dtlsCipher?: string, state: string }} session @returns {Why} */
  of(session) {
    const known = this.bySession.get(session.id);
    const { dataChannel } = session;
    // The list of sessions and the events arrive separately: until both say the same, the channel of the list is shown without a reason.
    if (known && (dataChannel === undefined || (known.tone === 'good') === (dataChannel === 'dtls'))) return known;
    if (dataChannel === 'dtls') return { text: 'DTLS is up', time: 0, tone: 'good' };
    if (dataChannel === 'cstp') {
      return { text: known ? 'data goes over TLS' : 'DTLS has not come yet', time: 0, tone: 'quiet' };
    }
    return { text: session.state === 'connected' ? '' : 'no tunnel; its cookie is still good', time: 0, tone: 'quiet' };
  }
}

/** @param {Why} before @param {Why} why */
function fieldsSaySame(before, why) {
  return before.tone === why.tone && why.tone === 'good' && why.time - before.time < 2_000;
}
