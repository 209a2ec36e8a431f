import { errorText, TunneliteError } from '../lib/errors.ts';
import { TUNNEL_DEFAULT_SCOPE } from '../lib/tunnel-api.ts';
import type { TokenSource } from './fresh-token.ts';

/** An account in MSAL's form, passed back to MSAL as is. */
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

/** The part of MSAL's `PublicClientApplication` that is used. MSAL's own class fits; the package is not loaded here. */
export interface MsalApplication {
  getTokenCache(): { getAllAccounts(): Promise<MsalAccount[]> };
  acquireTokenSilent(request: SilentRequest): Promise<MsalResult | null>;
}

export interface MsalTokenOptions<M extends MsalApplication> {
  /** A `PublicClientApplication` of `@azure/msal-node`. Other programs may have filled its cache (action 1a of the SDK's flow). */
  readonly application: M;
  /** The account; default: the first one of the cache. */
  readonly username?: string;
  readonly scopes?: readonly string[];
  /**
   * Signs the user in if the cache has no usable token, by any of MSAL's methods: `acquireTokenInteractive`, a device code.
   * If omitted, there is no token in that case.
   */
  readonly signIn?: (application: M, scopes: string[]) => Promise<MsalResult | null>;
}

/**
 * Gets tokens from MSAL: from its cache while they are valid, with its refresh token, and by signing in if neither works. After the gateway
 * refuses a token, forces MSAL to get another.
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
        // The same token would be refused again.
        if (result && result.accessToken !== failedToken) return result.accessToken;
      }
    } catch (error) {
      why = error;
    }
    if (signIn === undefined) throw noToken(why === undefined ? 'its cache is empty' : errorText(why), why);
    try {
      const result = await signIn(application, [...scopes]);
      if (result) return result.accessToken;
    } catch (cause) {
      throw noToken(errorText(cause), cause);
    }
    throw noToken('the sign-in returned none', undefined);
  };
}

function noToken(words: string, cause: unknown): TunneliteError {
  return new TunneliteError('ERR_CLIENT_SIGN_IN', `MSAL has no token: ${words.replace(/\.$/, '')}.`, { cause });
}
