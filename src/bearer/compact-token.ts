import { ownString } from '../lib/own-string.ts';
import { type JsonObject, parseObject } from '../lib/strict-json.ts';
import { MAX_TOKEN_CHARACTERS } from './constants.ts';

/** The header of a compact JWS, before anything about it is believed. */
export interface CompactToken {
  /** The first part as it came. */
  readonly headerText: string;
  readonly header: Readonly<JsonObject>;
}

/** What keeps a text from being a compact JWS. */
export type Malformation =
  | 'missing'
  | 'too-large'
  | 'encrypted'
  | 'byte-order-mark'
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

const ALPHABET = /^[A-Za-z0-9_-]*$/;
/** Last characters whose unused low bits are zero, by the number of characters over a multiple of four. */
const LAST = [/^/, /(?!)/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/] as const;

/**
 * Base64url without padding, in the one canonical spelling of its bytes (RFC 7515 §2): with others, two texts would be the
 * same token.
 */
function isCanonical(segment: string): boolean {
  return ALPHABET.test(segment) && LAST[segment.length & 3]!.test(segment);
}

/** That of UTF-8, and those of UTF-16, each as a header with such bytes is read. */
const BYTE_ORDER_MARK = /^(?:\ufeff|\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/;

/**
 * Takes a compact JWS apart, the cheapest checks first: size, segments, encoding, header. Costs the sender's bad token
 * no more than one pass over at most 16 KiB.
 *
 * @param known headers that were read before, by their text
 */
export function parseCompactToken(
  token: string,
  maxCharacters = MAX_TOKEN_CHARACTERS,
  known?: ReadonlyMap<string, CompactToken>,
): CompactToken | Malformation {
  if (token.length === 0) return 'missing';
  if (token.length > maxCharacters) return 'too-large';
  if (BYTE_ORDER_MARK.test(token)) return 'byte-order-mark';
  const segments = token.split('.', 6);
  if (segments.length === 5) return 'encrypted';
  if (segments.length !== 3) return 'segments';
  const [headerText, payload, signature] = segments as [string, string, string];
  if (!isCanonical(headerText) || !isCanonical(payload) || !isCanonical(signature)) return 'encoding';
  return known?.get(headerText) ?? parseHeader(headerText);
}

function parseHeader(headerText: string): CompactToken | Malformation {
  const text = textOf(Buffer.from(headerText, 'base64url'));
  const header = text === undefined ? 'not-json' : parseObject(text);
  if (header === 'repeated-member') return 'header-repeated-member';
  if (typeof header === 'string') return 'header-not-json';
  if (header.b64 !== undefined) return 'unencoded-payload';
  // Nothing critical is understood here; a header that needs understanding is refused (RFC 7515 §4.1.11).
  if (Object.hasOwn(header, 'crit')) return 'critical-header';
  // It is remembered, and the rest of the token is not to be.
  return { headerText: ownString(headerText), header };
}
