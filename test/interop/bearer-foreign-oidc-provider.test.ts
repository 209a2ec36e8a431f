import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';
import t, { type Test } from 'tap';
import { request } from 'undici';
import { createJsonFetcher } from '../../src/bearer/fetch-json.ts';
import { TOKEN_POLICIES } from '../../src/bearer/policy.ts';
import { createTokenVerifier } from '../../src/bearer/token-verifier.ts';
import type { TokenVerdict } from '../../src/bearer/types.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createTestIssuer } from '../support/issuer.ts';

const AUDIENCE = 'https://tunnel.example';
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });

const reason = (verdict: TokenVerdict): string => (verdict.ok ? 'accepted' : verdict.refusal.reason);

interface Jwt {
  header: Record<string, unknown>;
  payload: Record<string, unknown>;
}

/** A running oidc-provider that issues JWT access tokens for AUDIENCE, changed by `shape` before they are signed. */
async function start(t: Test, shape: (jwt: Jwt) => void = () => undefined) {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: 'app',
        client_secret: 'secret',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: {
      keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'key-1' }],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => AUDIENCE,
        getResourceServerInfo: () => ({
          scope: 'Tunnel_Allow',
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 600,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
    formats: {
      customizers: {
        jwt: (_context, _token, jwt) => {
          shape(Object.assign(jwt, { header: { ...jwt.header } }));
          return jwt;
        },
      },
    },
  });
  server.on('request', provider.callback());
  const fetcher = createJsonFetcher();
  t.teardown(async () => {
    await fetcher.close();
    server.closeAllConnections();
    server.close();
  });
  const token = async (): Promise<string> => {
    const answer = await request(`${issuer}/token`, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: `Basic ${Buffer.from('app:secret').toString('base64')}`,
      },
      body: `grant_type=client_credentials&scope=Tunnel_Allow&resource=${encodeURIComponent(AUDIENCE)}`,
    });
    const body = (await answer.body.json()) as { access_token: string };
    t.equal(answer.statusCode, 200, JSON.stringify({ ...body, access_token: undefined }));
    return body.access_token;
  };
  return { issuer, token, fetchJson: fetcher.fetchJson, metadataUrls: [`${issuer}/.well-known/openid-configuration`] };
}

/** What an issuer other than Entra ID has to be told before the gateway takes its tokens. */
function likeEntra({ header, payload }: Jwt): void {
  header.typ = 'JWT';
  payload.nbf = payload.iat;
  payload.sub = 'ada';
  payload.scp = payload.scope;
}

t.test('oidc-provider is refused where Entra ID is the authority', async (t) => {
  const foreign = await start(t, likeEntra);
  const { authority, fetchJson } = await createTestIssuer();
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({ policy, authority, fetchJson, clock: systemClock });
    t.equal(reason(await verifier.verify(await foreign.token())), 'unknown-key', policy);
  }
});

t.test(
  'its standard access tokens fail for their type (RFC 9068), then for nbf, even when it is configured',
  async (t) => {
    let shape: (jwt: Jwt) => void = () => undefined;
    const foreign = await start(t, (jwt) => shape(jwt));
    const { fetchJson, metadataUrls } = foreign;
    for (const policy of TOKEN_POLICIES) {
      const verifier = createTokenVerifier({ policy, metadataUrls, audiences: [AUDIENCE], fetchJson });
      shape = () => undefined;
      t.equal(reason(await verifier.verify(await foreign.token())), 'type', policy);
      shape = ({ header }) => {
        header.typ = 'JWT';
      };
      t.match(await verifier.verify(await foreign.token()), {
        refusal: {
          reason: 'claim',
          explanation: 'nbf is missing; exp, nbf and iat must be whole seconds since 1970.',
        },
      });
    }
  },
);

t.test('oidc-provider is accepted when it is configured and its tokens have what the gateway wants', async (t) => {
  const foreign = await start(t, likeEntra);
  const { fetchJson, metadataUrls } = foreign;
  for (const policy of TOKEN_POLICIES) {
    const verifier = createTokenVerifier({ policy, metadataUrls, audiences: [AUDIENCE], fetchJson });
    await verifier.load();
    t.same(verifier.keyIds, ['key-1']);
    t.match(await verifier.verify(await foreign.token()), {
      ok: true,
      principal: { username: 'ada', scopes: ['Tunnel_Allow'], claims: { iss: foreign.issuer } },
    });
    const elsewhere = createTokenVerifier({ policy, metadataUrls, audiences: ['https://other.example'], fetchJson });
    t.equal(reason(await elsewhere.verify(await foreign.token())), 'audience', policy);
  }
});
