import { type EntraCloud, issuerOf, localCloud } from '../../src/bearer/authority.ts';
import type { FetchJson } from '../../src/bearer/fetch-json.ts';
import { SigningKeys } from '../../src/entra/tokens/signing-keys.ts';
import type { AccessTokenRequest, TokenUser, TokenVersion } from '../../src/entra/tokens/token-claims.ts';
import { TokenIssuer } from '../../src/entra/tokens/token-issuer.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { TunneliteError } from '../../src/lib/errors.ts';
import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../src/lib/tunnel-api.ts';

export const TENANT = '11111111-2222-4333-8444-555555555555';
export const OTHER_TENANT = '99999999-2222-4333-8444-555555555555';
export const CLIENT = 'aaaaaaaa-0000-4000-8000-000000000001';

export const USER: TokenUser = {
  objectId: 'aaaaaaaa-0000-4000-8000-000000000002',
  userPrincipalName: 'ada@contoso.example',
  displayName: 'Ada Lovelace',
  givenName: 'Ada',
  familyName: 'Lovelace',
};

/** An Entra tenant without a network: keys, tokens, and the documents a verifier fetches. */
export interface TestIssuer {
  readonly clock: ManualClock;
  readonly keys: SigningKeys;
  readonly issuer: TokenIssuer;
  readonly cloud: EntraCloud;
  readonly authority: string;
  readonly fetchJson: FetchJson;
  /** Every address fetched, in order. */
  readonly fetched: string[];
  /** When set, every fetch waits for it and fails if it throws. */
  trouble: (() => unknown) | undefined;
  request(changes?: Partial<AccessTokenRequest>): AccessTokenRequest;
  token(changes?: Partial<AccessTokenRequest>): Promise<string>;
}

let shared: Promise<SigningKeys> | undefined;

/** Keys made once for all tests of a process: for tests that do not roll them over. */
export const sharedKeys = (): Promise<SigningKeys> => (shared ??= SigningKeys.create());

export async function createTestIssuer(
  options: { readonly keys?: SigningKeys; readonly tenant?: string; readonly cloud?: EntraCloud } = {},
): Promise<TestIssuer> {
  const clock = new ManualClock();
  const keys = options.keys ?? (await sharedKeys());
  const cloud = options.cloud ?? localCloud('https://127.0.0.1:8444');
  const tenant = options.tenant ?? TENANT;
  const issuer = new TokenIssuer({ keys, clock });
  const issuerUrl = (version: TokenVersion, tenantId = TENANT): string =>
    issuerOf(version === '1.0' ? cloud.issuerV1 : cloud.issuerV2, tenantId);
  const base = `${cloud.origin}/${tenant}`;
  const metadata = (template: string): string =>
    tenant === 'common' || tenant === 'organizations' ? template : issuerOf(template, TENANT);
  const documents: Record<string, () => unknown> = {
    [`${base}/v2.0/.well-known/openid-configuration`]: () => ({
      issuer: metadata(cloud.issuerV2),
      jwks_uri: `${base}/discovery/v2.0/keys`,
    }),
    [`${base}/.well-known/openid-configuration`]: () => ({
      issuer: metadata(cloud.issuerV1),
      jwks_uri: `${base}/discovery/keys`,
    }),
    [`${base}/discovery/v2.0/keys`]: () => keys.keySet(2, cloud.issuerV2),
    [`${base}/discovery/keys`]: () => keys.keySet(1, cloud.issuerV2),
  };
  const self: TestIssuer = {
    clock,
    keys,
    issuer,
    cloud,
    authority: base,
    fetched: [],
    trouble: undefined,
    fetchJson: async (url) => {
      self.fetched.push(url);
      await self.trouble?.();
      const document = documents[url]?.();
      if (document === undefined) {
        throw new TunneliteError('ERR_IDENTITY_FETCH', `${url} answered with status 404.`, {
          details: { reason: 'status', url },
        });
      }
      return structuredClone(document);
    },
    request: (changes = {}) => {
      const version = changes.version ?? '2.0';
      const tenantId = changes.tenantId ?? TENANT;
      return {
        version,
        issuer: issuerUrl(version, tenantId),
        tenantId,
        clientId: CLIENT,
        audience: TUNNEL_RESOURCE_ID,
        user: USER,
        scopes: [TUNNEL_SCOPE],
        lifetime: 3600,
        ...changes,
      };
    },
    token: async (changes) => (await issuer.accessToken(self.request(changes))).token,
  };
  return self;
}
