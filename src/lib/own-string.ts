/** Shorter texts are copied by V8 whenever they are cut out. */
const SHORTEST_VIEW = 13;

/**
 * The same text as a string of its own. What `slice`, `split` and regular expressions cut out of a string is a view that keeps the
 * whole of it alive: of a request, with the token in it. To be used for what is kept, in a table or in an event.
 */
export function ownString(text: string): string {
  if (text.length < SHORTEST_VIEW) return text;
  // Not told by a regular expression: V8 would remember the text that it matched.
  const own = Buffer.from(text, 'latin1').toString('latin1');
  return own === text ? own : Buffer.from(text, 'utf16le').toString('utf16le');
}

/**
 * V8 keeps the text that a regular expression matched last, in the whole process, for `RegExp.input`. To be called after a text with
 * secrets in it has been read: from then on it is another one.
 */
export function forgetMatch(): void {
  NOTHING.test('');
}

const NOTHING = /^$/;
