import { ownString } from '../lib/own-string.ts';
import { type JsonObject, parseObject } from '../lib/strict-json.ts';
import { MAX_TOKEN_CHARACTERS } from './constants.ts';

/** The header of a compact JWS, before verification. */
export interface CompactToken {
  /** The first part, as received. */
  readonly headerText: string;
  readonly header: Readonly<JsonObject>;
}

/** Why a string is not a compact JWS. */
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

/** Decodes UTF-8 bytes; undefined when they are not valid UTF-8. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}

const ALPHABET = /^[A-Za-z0-9_-]*$/;
/** Valid last characters (unused low bits are zero), by the number of characters over a multiple of four. */
const LAST = [/^/, /(?!)/, /[AQgw]$/, /[AEIMQUYcgkosw048]$/] as const;

/**
 * Base64url without padding, in the one canonical spelling of its bytes (RFC 7515 §2): otherwise two strings would be the
 * same token.
 */
function isCanonical(segment: string): boolean {
  return ALPHABET.test(segment) && LAST[segment.length & 3]!.test(segment);
}

/** The byte order marks of UTF-8 and UTF-16, as they appear in a decoded header. */
const BYTE_ORDER_MARK = /^(?:\ufeff|\u00ef\u00bb\u00bf|\u00ff\u00fe|\u00fe\u00ff)/;

/**
 * Splits a compact JWS, cheapest checks first: size, segments, encoding, header. A bad token costs
 * no more than one pass over at most 16 KiB.
 *
 * @param known headers parsed before, by their string
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
  // Critical extensions are not supported; a header that requires one is refused (RFC 7515 §4.1.11).
  if (Object.hasOwn(header, 'crit')) return 'critical-header';
  // Copied: the cached header must not keep the whole token in memory.
  return { headerText: ownString(headerText), header };
}
