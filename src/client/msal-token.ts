import { errorText, TunneliteError } from '../lib/errors.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../lib/tunnel-api.ts';
import type { TokenSource } from './fresh-token.ts';

/** An account as MSAL has it: what is handed back to it. */
export interface MsalAccount {
  readonly username: string;
  readonly homeAccountId: string;
}

interface MsalResult {
  readonly accessToken: string;
}

interface SilentRequest {
  readonly scopes: string[];
  readonly account: MsalAccount;
  readonly forceRefresh?: boolean | undefined;
}

/** What of MSAL's `PublicClientApplication` is used. Its own class fits; the package is not loaded here. */
export interface MsalApplication {
  getTokenCache(): { getAllAccounts(): Promise<MsalAccount[]> };
  acquireTokenSilent(request: SilentRequest): Promise<MsalResult | null>;
}

export interface MsalTokenOptions<M extends MsalApplication> {
  /** A `PublicClientApplication` of `@azure/msal-node`. Its cache may be one that others have filled (action 1a of the SDK's flow). */
  readonly application: M;
  /** Whose token; default: the first account of the cache. */
  readonly username?: string;
  readonly scopes?: readonly string[];
  /**
   * Signs the person in when the cache has no token that works, by whichever of MSAL's ways: `acquireTokenInteractive`, a device code.
   * Left out: there is no token then.
   */
  readonly signIn?: (application: M, scopes: string[]) => Promise<MsalResult | null>;
}

/**
 * Tokens by MSAL: from its cache while they are good, by its refresh token, and by signing in where neither helps. After one that the gateway has
 * refused, MSAL is made to get another.
 *
 * @throws TunneliteError `ERR_CLIENT_SIGN_IN`
 * @example
 * ```ts fragment
 * const application = new PublicClientApplication({ auth: { clientId, authority } });
 * const source = msalToken({ application, signIn: (msal, scopes) => msal.acquireTokenInteractive({ scopes, openBrowser }) });
 * const client = await withFreshToken(source, (token) => TunnelClient.connect({ server, token }));
 * ```
 */
export function msalToken<M extends MsalApplication>({
  application,
  username,
  scopes = [TUNNEL_DEFAULT_SCOPE],
  signIn,
}: MsalTokenOptions<M>): TokenSource {
  return async (failedToken) => {
    let why: unknown;
    try {
      const accounts = await application.getTokenCache().getAllAccounts();
      const wanted = username?.toLowerCase();
      const account = accounts.find((each) => wanted === undefined || each.username.toLowerCase() === wanted);
      if (account) {
        const forceRefresh = failedToken !== '';
        const result = await application.acquireTokenSilent({ scopes: [...scopes], account, forceRefresh });
        // The same one again would be refused again.
        if (result && result.accessToken !== failedToken) return result.accessToken;
      }
    } catch (error) {
      why = error;
    }
    if (signIn === undefined) throw noToken(why === undefined ? 'its cache has none' : errorText(why), why);
    try {
      const result = await signIn(application, [...scopes]);
      if (result) return result.accessToken;
    } catch (cause) {
      throw noToken(errorText(cause), cause);
    }
    throw noToken('the sign-in gave none', undefined);
  };
}

function noToken(words: string, cause: unknown): TunneliteError {
  return new TunneliteError('ERR_CLIENT_SIGN_IN', `MSAL has no token: ${words.replace(/\.$/, '')}.`, { cause });
}
