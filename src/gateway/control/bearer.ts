import { ownString } from '../../lib/own-string.ts';

/** How strictly the Authorization header is read. */
export type BearerPrefix = 'lenient' | 'strict';

/** Contents of the Authorization header of a request. */
export type BearerHeader =
  | { readonly kind: 'token'; readonly token: string }
  /** Requires a challenge. */
  | { readonly kind: 'absent' }
  /** Requires a refusal. */
  | { readonly kind: 'refused'; readonly explanation: string };

/** White space except the byte order mark, which ECMAScript includes: that is reported as part of the token. */
const WHITE_SPACE = /[^\S\ufeff]/;

/**
 * `lenient`, as ocserv: the first six characters are "bearer" in any case, one more character of any kind is skipped, the rest is the
 * token (observed: ocserv 1.3.0). `strict`: "Bearer", one space, a token; anything else gets a challenge, as in the token mode of
 * Microsoft's public fork (microsoft/mstunnel-ocserv, IntuneChangeDocs). Several Authorization headers are ambiguous (RFC 9110 §5.3)
 * and therefore refused.
 */
export function readBearer(headers: readonly string[], prefix: BearerPrefix): BearerHeader {
  const [header] = headers;
  if (header === undefined) return { kind: 'absent' };
  if (headers.length > 1) {
    return {
      kind: 'refused',
      explanation: `The request has ${headers.length} Authorization headers; only one is allowed.`,
    };
  }
  if (prefix === 'strict') {
    const match = /^bearer ([\S\ufeff]+)$/i.exec(header);
    return match ? { kind: 'token', token: match[1]! } : { kind: 'absent' };
  }
  if (header.slice(0, 6).toLowerCase() !== 'bearer') {
    // The value may be a token without a scheme, and the result is stored.
    const scheme = ownString(/^[A-Za-z-]{1,20}/.exec(header)?.[0] ?? 'something else');
    return { kind: 'refused', explanation: `Authorization used ${scheme}; only Bearer is accepted.` };
  }
  const token = header.slice(7);
  if (token === '') return { kind: 'refused', explanation: 'Authorization has the scheme Bearer but no token.' };
  if (WHITE_SPACE.test(token)) {
    return {
      kind: 'refused',
      explanation: 'The token contains white space; "Bearer" must be followed by exactly one space.',
    };
  }
  return { kind: 'token', token };
}
