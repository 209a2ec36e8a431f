/**
 * Characters that could change how a line is displayed or where it ends: control characters (which start escape sequences), the other line
 * ends of Unicode, and marks that change the text direction.
 */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The same for a test: an expression with `g` keeps its position, and `search` creates a match object. */
const ANY_UNPRINTABLE = new RegExp(UNPRINTABLE.source);

/** `\n`, `\t` and similar ones by their letter, all others by number. */
const LETTERS: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** Makes an external string safe to print on one line: unprintable characters are escaped, such as `\n` or `\u001b`. */
export function printable(text: string): string {
  if (!ANY_UNPRINTABLE.test(text)) return text;
  return text.replaceAll(UNPRINTABLE, spelled);
}

/** The same, with `replacement` for each such character, where a backslash is not allowed. */
export function withoutControls(text: string, replacement: string): string {
  return text.replaceAll(UNPRINTABLE, replacement);
}

/** An object with printable strings; the same object if they already were. */
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

/** Any JSON value as a string. An object may have a member `toString` that is not a function, with which `String` throws. */
export function plainText(value: unknown): string {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
}
