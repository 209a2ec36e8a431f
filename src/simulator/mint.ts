import type { MintedToken, TokenMinter, TokenRequest } from '../admin/index.ts';
import { signInNameOf } from '../bearer/token-verifier.ts';
import type { IdentityProvider, TokenVersion } from '../entra/index.ts';
import { makeWrongToken } from '../entra/tokens/wrong-token.ts';
import { TunneliteError } from '../lib/errors.ts';

/** Issues tokens of the built-in Entra ID on request, valid or intentionally wrong. */
export function tokenMinter(provider: IdentityProvider): TokenMinter {
  return async (request) => {
    const { issuer } = provider;
    const base = provider.tokenRequest({
      ...(request.tenant === undefined ? {} : { tenant: request.tenant }),
      ...(request.user === undefined ? {} : { user: request.user }),
      ...(request.client === undefined ? {} : { client: request.client }),
      overrides: {
        ...(request.version === undefined ? {} : { version: versionOf(request) }),
        ...(request.audience === undefined ? {} : { audience: request.audience }),
        ...(request.scopes === undefined ? {} : { scopes: request.scopes }),
        ...(request.expiresIn === undefined ? {} : { lifetime: request.expiresIn }),
        ...(request.claims === undefined ? {} : { claims: withoutNulls(request.claims) }),
      },
    });
    const accessToken =
      request.wrong === undefined
        ? (await issuer.accessToken(base)).token
        : await makeWrongToken(request.wrong, issuer, base);
    return describe(accessToken, issuer.now());
  };
}

function versionOf({ version }: TokenRequest): TokenVersion {
  if (version === '1.0' || version === '2.0') return version;
  throw new TunneliteError('ERR_SIMULATOR_TOKEN_REQUEST', `There is no token version “${version}”.`, {
    hint: 'Use 1.0 or 2.0.',
  });
}

/** Over REST, null removes a claim; the issuer omits undefined ones. */
function withoutNulls(claims: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(claims).map(([name, value]) => [name, value === null ? undefined : value]));
}

/** The token with its payload; a token that is too broken to decode has no claims. */
function describe(accessToken: string, now: number): MintedToken {
  let claims: Record<string, unknown> = {};
  try {
    const parsed: unknown = JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString());
    if (typeof parsed === 'object' && parsed !== null) claims = parsed as Record<string, unknown>;
  } catch {
    // Broken intentionally.
  }
  return {
    accessToken,
    user: signInNameOf(claims),
    expiresIn: typeof claims['exp'] === 'number' ? claims['exp'] - now : 0,
    claims,
  };
}
