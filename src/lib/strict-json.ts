/** A JSON object in which every member occurs once. */
export type JsonObject = Record<string, unknown>;

/** Why a string cannot be used. */
export type StrictFault = 'not-json' | 'repeated-member' | 'too-deep';

/** Why a string is not such an object. */
export type JsonFault = StrictFault | 'not-an-object';

/** Maximum depth: more than any token or request needs, and far below what would overflow the stack. */
const MAX_DEPTH = 32;

/** One pass over the text, skipping strings: counts the members and the depth. It does not check whether the text is valid JSON. */
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

/** Number of members in a parsed value, at all depths. */
function membersOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  const inner = Object.values(value);
  let count = Array.isArray(value) ? 0 : inner.length;
  for (const member of inner) count += membersOf(member);
  return count;
}

/**
 * Parses JSON and rejects repeated member names at any depth: if two parsers use different ones of two `aud` members, one of them can be
 * deceived (RFC 7519 §4 permits rejecting them). The value is that of `JSON.parse`, so a member `__proto__` is a member, not a prototype.
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

/** Like `parseStrictJson`, for a string that must be an object. */
export function parseObject(text: string): JsonObject | JsonFault {
  const parsed = parseStrict(text);
  if (typeof parsed === 'string') return parsed;
  const { value } = parsed;
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : 'not-an-object';
}
