import { isTunneliteError } from '../lib/errors.ts';

/**
 * Where tokens come from.
 * @param failedToken the one that the gateway refused, to be dropped from every cache; empty at first
 */
export type TokenSource = (failedToken: string) => string | Promise<string>;

/**
 * Connects with a token of the source. One that the gateway refuses is asked for once more, with the refused one; what it says to the second
 * is the last word.
 *
 * @param connect gets what to hand over as `token`
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
