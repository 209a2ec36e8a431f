import { createRemoteJWKSet, customFetch, jwtVerify } from 'jose';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, DEFAULT_TENANT_ID } from '../../../src/entra/directory/index.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import { startProvider } from '../../support/identity-provider.ts';

t.test('a tenant has the same metadata by its GUID and its domain, and issuers without placeholder', async (t) => {
  await using provider = await startProvider();
  for (const name of [DEFAULT_TENANT_ID, 'contoso.com', 'CONTOSO.onmicrosoft.com']) {
    const v2 = await (await provider.fetch(`/${name}/v2.0/.well-known/openid-configuration`)).json();
    t.match(v2, {
      issuer: `${provider.origin}/${DEFAULT_TENANT_ID}/v2.0`,
      token_endpoint: `${provider.origin}/${DEFAULT_TENANT_ID}/oauth2/v2.0/token`,
      authorization_endpoint: `${provider.origin}/${DEFAULT_TENANT_ID}/oauth2/v2.0/authorize`,
      device_authorization_endpoint: `${provider.origin}/${DEFAULT_TENANT_ID}/oauth2/v2.0/devicecode`,
      end_session_endpoint: `${provider.origin}/${DEFAULT_TENANT_ID}/oauth2/v2.0/logout`,
      jwks_uri: `${provider.origin}/${DEFAULT_TENANT_ID}/discovery/v2.0/keys`,
      tenant_region_scope: 'EU',
    });
    const v1 = await (await provider.fetch(`/${name}/.well-known/openid-configuration`)).json();
    t.match(v1, {
      issuer: `${provider.origin}/${DEFAULT_TENANT_ID}/`,
      token_endpoint: `${provider.origin}/${DEFAULT_TENANT_ID}/oauth2/token`,
      jwks_uri: `${provider.origin}/${DEFAULT_TENANT_ID}/discovery/keys`,
    });
  }
});

t.test('common and organizations show an issuer template, consumers a fixed issuer', async (t) => {
  await using provider = await startProvider();
  const issuer = async (name: string) => {
    const response = await provider.fetch(`/${name}/v2.0/.well-known/openid-configuration`);
    return ((await response.json()) as { issuer: string }).issuer;
  };
  t.equal(await issuer('common'), `${provider.origin}/{tenantid}/v2.0`);
  t.equal(await issuer('organizations'), `${provider.origin}/{tenantid}/v2.0`);
  t.equal(await issuer('consumers'), `${provider.origin}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`);
});

t.test('keys of v2 sets name their issuer as a template, keys of v1 sets name none', async (t) => {
  await using provider = await startProvider();
  const v2 = (await (await provider.fetch('/contoso.com/discovery/v2.0/keys')).json()) as { keys: object[] };
  t.match(v2.keys, [{ kty: 'RSA', use: 'sig', e: 'AQAB', issuer: `${provider.origin}/{tenantid}/v2.0` }]);
  const v1 = (await (await provider.fetch('/common/discovery/keys')).json()) as { keys: object[] };
  t.notOk('issuer' in v1.keys[0]!);
  const headers = (await provider.fetch('/common/discovery/keys')).headers;
  t.equal(headers.get('access-control-allow-origin'), '*', 'browser apps may read them');
});

t.test('metadata for ?appid= leads to keys for that app', async (t) => {
  await using provider = await startProvider();
  const response = await provider.fetch(
    `/contoso.com/v2.0/.well-known/openid-configuration?appid=${DEFAULT_CLIENT_ID}`,
  );
  const { jwks_uri } = (await response.json()) as { jwks_uri: string };
  t.equal(jwks_uri, `${provider.origin}/${DEFAULT_TENANT_ID}/discovery/v2.0/keys?appid=${DEFAULT_CLIENT_ID}`);
});

t.test('a tenant that does not exist is told apart from a name that can be none', async (t) => {
  await using provider = await startProvider();
  const code = async (name: string) => {
    const response = await provider.fetch(`/${name}/v2.0/.well-known/openid-configuration`);
    t.equal(response.status, 400);
    return ((await response.json()) as { error_codes: number[] }).error_codes[0];
  };
  t.equal(await code('99999999-0000-4000-8000-000000000000'), 90002);
  t.equal(await code('fabrikam.example'), 90002);
  t.equal(await code('not_a_tenant'), 900023);
});

t.test('instance discovery knows its own host and the public clouds, and refuses others with 50049', async (t) => {
  await using provider = await startProvider();
  const ask = (host: string) =>
    provider.fetch(
      `/common/discovery/instance?api-version=1.1&authorization_endpoint=${encodeURIComponent(`https://${host}/common/oauth2/v2.0/authorize`)}`,
    );
  const host = new URL(provider.origin).host;
  for (const known of [host, 'login.microsoftonline.com', 'login.chinacloudapi.cn']) {
    const body = (await (await ask(known)).json()) as { metadata: { aliases: string[] }[] };
    t.ok(body.metadata.some((cloud) => cloud.aliases.includes(known)));
  }
  const unknown = await ask('evil.example');
  t.equal(unknown.status, 400);
  t.match(await unknown.json(), { error: 'invalid_instance', error_codes: [50049] });
});

t.test('a password buys a tunnel token that the published keys verify', async (t) => {
  await using provider = await startProvider();
  const answer = await provider.post('/contoso.com/oauth2/v2.0/token', {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scope: `openid profile offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    client_info: '1',
  });
  t.equal(answer.status, 200);
  t.match(answer.body, {
    token_type: 'Bearer',
    scope: `${TUNNEL_RESOURCE_ID}/Tunnel_Allow ${TUNNEL_DEFAULT_SCOPE}`,
    refresh_token: String,
    id_token: String,
  });
  t.ok(answer.body.expires_in >= 3600 && answer.body.expires_in <= 5400, 'lives 60 to 90 minutes');
  const keys = createRemoteJWKSet(new URL(`${provider.origin}/contoso.com/discovery/v2.0/keys`), {
    [customFetch]: (url: string) => provider.fetch(url) as unknown as Promise<Response>,
  });
  const { payload } = await jwtVerify(answer.body.access_token, keys, {
    issuer: provider.idp.issuerFor('contoso.com'),
    audience: TUNNEL_RESOURCE_ID,
  });
  const alice = provider.idp.directory.tenant('contoso.com').users.get('alice@contoso.com');
  t.match(payload, {
    ver: '2.0',
    tid: DEFAULT_TENANT_ID,
    oid: alice.id,
    scp: 'Tunnel_Allow',
    azp: DEFAULT_CLIENT_ID,
    acct: 0,
    preferred_username: 'alice@contoso.com',
  });
  const info = JSON.parse(Buffer.from(answer.body.client_info, 'base64url').toString());
  t.strictSame(info, { uid: alice.id, utid: DEFAULT_TENANT_ID });
});

t.test('apps in browsers may call each endpoint that is no page, and are told so when they ask first', async (t) => {
  await using provider = await startProvider();
  for (const path of [
    '/common/discovery/instance',
    '/contoso.com/v2.0/.well-known/openid-configuration',
    '/contoso.com/.well-known/openid-configuration',
    '/contoso.com/discovery/v2.0/keys',
    '/contoso.com/discovery/keys',
    '/contoso.com/oauth2/v2.0/token',
    '/contoso.com/oauth2/token',
    '/contoso.com/oauth2/v2.0/devicecode',
    '/contoso.com/oauth2/devicecode',
    '/common/UserRealm/alice@contoso.com',
    '/oidc/userinfo',
  ]) {
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,x-client-sku',
    };
    const { status, headers: answer } = await provider.fetch(path, { method: 'OPTIONS', headers });
    t.equal(status, 200, path);
    t.equal(answer.get('access-control-allow-origin'), '*', path);
    t.match(answer.get('access-control-allow-headers'), /\bauthorization\b/, path);
    const method = /token$|devicecode$/.test(path) ? 'POST' : 'GET';
    const { headers: real } = await provider.fetch(path, { method });
    t.equal(real.get('access-control-allow-origin'), '*', `${path}, whatever the answer`);
  }
});
