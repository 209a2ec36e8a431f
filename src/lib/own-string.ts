/** V8 always copies shorter substrings. */
const SHORTEST_VIEW = 13;

/**
 * Copies a string. The results of `slice`, `split` and regular expressions are views that retain the whole original, such as a request with
 * its token. Use it for strings that are kept in a table or an event.
 */
export function ownString(text: string): string {
  if (text.length < SHORTEST_VIEW) return text;
  // Not with a regular expression: V8 would keep the string that it matched.
  const own = Buffer.from(text, 'latin1').toString('latin1');
  return own === text ? own : Buffer.from(text, 'utf16le').toString('utf16le');
}

/**
 * V8 keeps the string of the last regular expression match in the process, for `RegExp.input`. Call this after reading a string with
 * secrets: it replaces that string.
 */
export function forgetMatch(): void {
  NOTHING.test('');
}

const NOTHING = /^$/;
