import { MAX_TOKEN_CHARACTERS } from './constants.ts';
import { type JsonObject, parseObject } from './strict-json.ts';

/** The header of a compact JWS, before anything about it is believed. */
export interface CompactToken {
  readonly header: Readonly<JsonObject>;
}

/** What keeps a text from being a compact JWS. */
export type Malformation =
  | 'missing'
  | 'too-large'
  | 'encrypted'
  | 'segments'
  | 'encoding'
  | 'header-not-json'
  | 'header-repeated-member'
  | 'critical-header'
  | 'unencoded-payload';

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Text of UTF-8 bytes; undefined when they are not UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Bytes of canonical base64url without padding (RFC 7515 §2); undefined for any other text. */
function decode(segment: string): Buffer | undefined {
  const bytes = Buffer.from(segment, 'base64url');
  return bytes.toString('base64url') === segment ? bytes : undefined;
}

/**
 * Takes a compact JWS apart, the cheapest checks first: size, segments, encoding, header. Costs the sender's bad token
 * no more than one pass over at most 16 KiB.
 */
export function parseCompactToken(token: string, maxCharacters = MAX_TOKEN_CHARACTERS): CompactToken | Malformation {
  if (token.length === 0) return 'missing';
  if (token.length > maxCharacters) return 'too-large';
  const segments = token.split('.', 6);
  if (segments.length === 5) return 'encrypted';
  if (segments.length !== 3) return 'segments';
  const [first, payload, signature] = segments as [string, string, string];
  const bytes = decode(first);
  if (!bytes || !decode(payload) || !decode(signature)) return 'encoding';
  const text = textOf(bytes);
  const header = text === undefined ? 'not-json' : parseObject(text);
  if (header === 'repeated-member') return 'header-repeated-member';
  if (typeof header === 'string') return 'header-not-json';
  if (header.b64 !== undefined) return 'unencoded-payload';
  // Nothing critical is understood here; a header that needs understanding is refused (RFC 7515 §4.1.11).
  if (Object.hasOwn(header, 'crit')) return 'critical-header';
  return { header };
}
