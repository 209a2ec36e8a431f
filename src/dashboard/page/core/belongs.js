import { json, query } from './api.js';

/**
 * All events of a session: those that name it, the earlier events of its connections, and the token of its
 * login.
 *
 * @typedef {import('./live.js').JournalEvent} JournalEvent
 */

/** Most events of a session. */
const MOST = 5_000;
/** Most connections whose first events are looked up. */
const CONNECTIONS = 20;

/** @param {string} session @returns {Promise<JournalEvent[]>} */
export async function eventsOf(session) {
  /** @type {JournalEvent[]} */
  const own = (await json(`/api/journal?${query({ where: `session=${quoted(session)}`, limit: MOST })}`)).events;
  const accepted = own.find(({ name }) => name === 'auth.accepted');
  const remotes = [...new Set(own.map(({ fields }) => fields.remote).filter((one) => typeof one === 'string'))];
  const asked = remotes.slice(0, CONNECTIONS).map((remote) => {
    const last = own.findLast(({ fields }) => fields.remote === remote);
    return json(`/api/journal?${query({ where: `remote=${quoted(remote)}`, until: last?.seq, limit: 200 })}`).then(
      ({ events }) => connectionOf(events, session),
    );
  });
  const user = accepted?.fields.signInName ?? accepted?.fields.user;
  if (accepted && typeof user === 'string') {
    const parts = { name: 'identity.*', where: `user=${quoted(user)}`, until: accepted.seq, limit: 3 };
    asked.push(json(`/api/journal?${query(parts)}`).then(({ events }) => lately(events, accepted.time)));
  }
  const others = (await Promise.all(asked.map((one) => one.catch(() => [])))).flat();
  const bySeq = new Map([...own, ...others].map((event) => [event.seq, event]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
}

/** How long before a login its token may have been issued to belong to it, in milliseconds. */
const TOKEN_MS = 120_000;

/** @param {readonly JournalEvent[]} events @param {number} login */
function lately(events, login) {
  return events.filter(({ time }) => login - time < TOKEN_MS);
}

/**
 * The last connection from an address and port before this session: ports are reused.
 * @param {readonly JournalEvent[]} events @param {string} session
 */
export function connectionOf(events, session) {
  const strange = events.findLastIndex(({ fields }) => fields.session !== undefined && fields.session !== session);
  const begin = events.findLastIndex(({ name }, at) => at > strange && name === 'tls.connect');
  return events.slice(begin >= 0 ? begin : strange + 1);
}

/** As a condition of the journal: a text, whatever it looks like. @param {string} value */
function quoted(value) {
  return `"${value}"`;
}
