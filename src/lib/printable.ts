/**
 * What could change how a line is shown or where it ends: control characters (escape sequences begin with one), the other line
 * ends of Unicode, and marks that turn the direction of text.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The same for a question: an expression with `g` remembers where it was, and `search` makes an object of what it finds. */
const ANY_UNPRINTABLE = new RegExp(UNPRINTABLE.source);

/** `\n`, `\t` and the like by their letter, all others by number. */
const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A text from outside as one harmless line: what is not printable is spelled out, as in `\n` or `\u001b`. */
export function printable(text: string): string {
  if (!ANY_UNPRINTABLE.test(text)) return text;
  return text.replaceAll(UNPRINTABLE, spelled);
}

/** The same with `replacement` in place of each such character, where a backslash may not stand. */
export function withoutControls(text: string, replacement: string): string {
  return text.replaceAll(UNPRINTABLE, replacement);
}

/** An object whose texts are printable; the same one when they were. */
export function printableFields<T extends object>(fields: T): T {
  let safe: Record<string, unknown> | undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string') continue;
    const text = printable(value);
    if (text !== value) safe = { ...(safe ?? fields), [name]: text };
  }
  return (safe ?? fields) as T;
}

function spelled(character: string): string {
  return LETTERS[character] ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/** A value out of JSON as text, whatever it is: an object may have a member `toString` that is no function, which `String` falls over. */
export function plainText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
