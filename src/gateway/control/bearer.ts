/** How strictly the Authorization header is read. */
export type BearerPrefix = 'lenient' | 'strict';

/** What an Authorization header holds. */
export type BearerHeader =
  | { readonly kind: 'token'; readonly token: string }
  /** To be answered with a challenge. */
  | { readonly kind: 'absent' }
  /** To be refused. */
  | { readonly kind: 'refused'; readonly explanation: string };

/**
 * `lenient`, the real server's way: the first six characters are "bearer" in any case, one more character of any kind is
 * skipped, the rest is the token (reference openconnect-protocol §4.6). `strict`: "Bearer", one space, a token; anything
 * else is answered with a challenge, as the product's newer mode does (reference microsoft-tunnel §2.1).
 */
export function readBearer(header: string | undefined, prefix: BearerPrefix): BearerHeader {
  if (header === undefined) return { kind: 'absent' };
  if (prefix === 'strict') {
    const match = /^bearer (\S+)$/i.exec(header);
    return match ? { kind: 'token', token: match[1]! } : { kind: 'absent' };
  }
  if (header.slice(0, 6).toLowerCase() !== 'bearer') {
    const scheme = /^[A-Za-z-]{1,20}/.exec(header)?.[0] ?? 'something else';
    return { kind: 'refused', explanation: `Authorization used ${scheme}; only Bearer is taken.` };
  }
  const token = header.slice(7);
  if (token === '') return { kind: 'refused', explanation: 'Authorization said Bearer but held no token.' };
  if (/\s/.test(token)) {
    return { kind: 'refused', explanation: 'The token has white space in it; exactly one space goes after "Bearer".' };
  }
  return { kind: 'token', token };
}
