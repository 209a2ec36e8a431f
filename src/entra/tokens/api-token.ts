import { JWTClaimValidationFailed, JWTExpired } from 'jose/errors';
import { jwtVerify } from 'jose/jwt/verify';
import type { Clock } from '../../lib/clock.ts';
import type { SigningKeys } from './signing-keys.ts';

/** Why a Microsoft API refused a token. */
export type ApiTokenFault = 'missing' | 'malformed' | 'expired' | 'not-yet-valid' | 'audience' | 'signature';

/** Contents of a valid token. */
export interface ApiToken {
  readonly tenantId: string;
  /** Object ID of the user, or of the app's service principal. */
  readonly objectId: string;
  readonly clientId: string;
  /** Delegated permissions; empty for a token without a user. */
  readonly scopes: readonly string[];
  /** Application permissions. */
  readonly roles: readonly string[];
}

/**
 * Validates the token of a request to a simulated Microsoft API.
 * @param authorization the `Authorization` header
 * @param audiences accepted names of the API
 */
export async function readApiToken(
  authorization: string | undefined,
  audiences: readonly string[],
  { keys, clock }: { readonly keys: SigningKeys; readonly clock: Pick<Clock, 'now'> },
): Promise<ApiToken | ApiTokenFault> {
  const [, token] = /^Bearer +([\w.-]{1,16000})$/i.exec(authorization ?? '') ?? [];
  if (token === undefined)
    return authorization === undefined || /^Bearer *$/i.test(authorization) ? 'missing' : 'malformed';
  let unknownKey = false;
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid }) => {
        const key = keys.find(kid ?? '');
        if (key) return key.publicKey;
        unknownKey = true;
        throw new Error('unknown key');
      },
      { algorithms: ['RS256'], audience: [...audiences], currentDate: new Date(clock.now()) },
    );
    return {
      tenantId: String(payload['tid'] ?? ''),
      objectId: String(payload['oid'] ?? ''),
      clientId: String(payload['azp'] ?? payload['appid'] ?? ''),
      scopes: String(payload['scp'] ?? '')
        .split(' ')
        .filter((name) => name !== ''),
      roles: Array.isArray(payload['roles']) ? payload['roles'].map(String) : [],
    };
  } catch (error) {
    if (unknownKey) return 'signature';
    if (error instanceof JWTExpired) return 'expired';
    if (error instanceof JWTClaimValidationFailed) {
      return error.claim === 'aud' ? 'audience' : error.claim === 'nbf' ? 'not-yet-valid' : 'malformed';
    }
    return error instanceof Error && /signature/i.test(error.message) ? 'signature' : 'malformed';
  }
}
