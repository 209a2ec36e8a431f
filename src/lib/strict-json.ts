/** A JSON object, every member of which occurs once. */
export type JsonObject = Record<string, unknown>;

/** What keeps a text from being used. */
export type StrictFault = 'not-json' | 'repeated-member' | 'too-deep';

/** What keeps a text from being such an object. */
export type JsonFault = StrictFault | 'not-an-object';

/** Nesting that no token and no request needs; far below what would overflow a stack. */
const MAX_DEPTH = 32;

/** One pass over the text, strings skipped: how many members are written, how deep it nests. Whether it is JSON is not looked at. */
export function jsonShape(text: string): { readonly members: number; readonly depth: number } {
  let members = 0;
  let depth = 0;
  let deepest = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        for (i++; i < text.length && text.charCodeAt(i) !== 0x22; i++) if (text.charCodeAt(i) === 0x5c) i++;
        break;
      case 0x3a: // :
        members++;
        break;
      case 0x7b: // {
      case 0x5b: // [
        if (++depth > deepest) deepest = depth;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        depth--;
        break;
    }
  }
  return { members, depth: deepest };
}

/** Members in a parsed value, at all depths. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const member of inner) count += membersOf(member);
  return count;
}

/**
 * Parses JSON and refuses repeated member names at any depth: where two parsers disagree on which of two `aud` counts, one of
 * them can be deceived (RFC 7519 §4 allows to reject them). The value is as `JSON.parse` makes it, so a member `__proto__` is a
 * member, not a prototype.
 */
export function parseStrict(text: string): { readonly value: unknown } | StrictFault {
  const { members, depth } = jsonShape(text);
  if (depth > MAX_DEPTH) return 'too-deep';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return 'not-json';
  }
  return members === membersOf(value) ? { value } : 'repeated-member';
}

/** The same for a text that has to be an object. */
export function parseObject(text: string): JsonObject | JsonFault {
  const parsed = parseStrict(text);
  if (typeof parsed === 'string') return parsed;
  const { value } = parsed;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : 'not-an-object';
}
