/**
 * Parses server-sent events from pieces of text, as the HTML standard specifies (§9.2.6): a browser's own `EventSource` cannot send the header
 * with the secret.
 *
 * @typedef {{ id: string | undefined, event: string, data: string }} StreamMessage
 */

/** Longest message, in characters; more than any event has. */
const MAX_MESSAGE = 1024 * 1024;

/**
 * Returns a function that accepts the next piece and returns the messages completed by it.
 * @returns {(piece: string) => StreamMessage[]}
 */
export function createEventParser() {
  let rest = '';
  /** @type {string | undefined} */
  let id;
  let event = '';
  /** @type {string[]} */
  let data = [];
  return (piece) => {
    /** @type {StreamMessage[]} */
    const messages = [];
    rest += piece;
    let from = 0;
    for (let at = rest.indexOf('\n', from); at >= 0; at = rest.indexOf('\n', from)) {
      const line = rest.slice(from, rest[at - 1] === '\r' && at > from ? at - 1 : at);
      from = at + 1;
      if (line === '') {
        if (data.length > 0) messages.push({ id, event: event || 'message', data: data.join('\n') });
        event = '';
        data = [];
        continue;
      }
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
      if (field === 'data') data.push(value);
      else if (field === 'event') event = value;
      else if (field === 'id') id = value;
    }
    rest = rest.slice(from);
    if (rest.length > MAX_MESSAGE) throw new Error('A message of the journal has no end.');
    return messages;
  };
}
