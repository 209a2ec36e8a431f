import { isTunneliteError } from '../lib/errors.ts';

/**
 * A source of tokens.
 * @param failedToken the token that the gateway refused, to be removed from every cache; empty on the first call
 */
export type TokenSource = (failedToken: string) => string | Promise<string>;

/**
 * Connects with a token from the source. If the gateway refuses it, requests one more, passing the refused one, and tries
 * again, once.
 *
 * @param connect receives the value to use as `token`
 * @throws what `connect` throws
 * @example
 * ```ts
 * const client = await withFreshToken(source, (token) => TunnelClient.connect({ server, token }));
 * ```
 */
export async function withFreshToken<T>(
  source: TokenSource,
  connect: (token: () => Promise<string>) => Promise<T>,
): Promise<T> {
  let failed = '';
  for (let tries = 1; ; tries++) {
    let last = '';
    try {
      return await connect(async () => {
        const token = await source(failed);
        last = String(token).trim();
        return token;
      });
    } catch (error) {
      if (tries > 1 || !isTunneliteError(error, 'ERR_CLIENT_TOKEN_REFUSED')) throw error;
      failed = last;
    }
  }
}
