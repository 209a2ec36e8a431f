import fc from 'fast-check';
import fastify, { type FastifyInstance } from 'fastify';
import t from 'tap';
import { DEFAULT_CLIENT_ID, DEFAULT_PASSWORD, DEFAULT_TENANT_ID } from '../../src/entra/directory/index.ts';
import { createIdentityProvider, type IdentityProvider } from '../../src/entra/provider.ts';
import { SigningKeys } from '../../src/entra/tokens/signing-keys.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../src/lib/tunnel-api.ts';

const RUNS = Number(process.env.TUNNELITE_FUZZ ?? 400);
if (process.env.TUNNELITE_FUZZ) t.setTimeout(0);
const ORIGIN = 'https://idp.test';
const PASSWORD = 'only-the-user-knows-this';

/** A provider mounted on a server without a socket. */
async function mount(): Promise<{ app: FastifyInstance; idp: IdentityProvider }> {
  const idp = await createIdentityProvider({ publicOrigin: ORIGIN, keys: await SigningKeys.create() });
  const app = fastify();
  await app.register(idp.plugin);
  return { app, idp };
}

const tricky = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 60 }),
  fc.string({ maxLength: 60 }),
  fc.constantFrom('', '__proto__', 'null', '{}', '[]', '{"access_token":null}', '../..', 'a//b/.default', '%00', '1'),
);

const known: Record<string, string[]> = {
  grant_type: [
    'password',
    'authorization_code',
    'refresh_token',
    'client_credentials',
    'device_code',
    'urn:ietf:params:oauth:grant-type:device_code',
  ],
  client_id: [DEFAULT_CLIENT_ID, TUNNEL_RESOURCE_ID],
  username: ['alice@contoso.com', 'bob@contoso.com', '@', 'a@b'],
  password: [DEFAULT_PASSWORD],
  scope: [TUNNEL_DEFAULT_SCOPE, 'openid', 'User.Read', `${TUNNEL_RESOURCE_ID}/Tunnel_Allow offline_access`],
  resource: [TUNNEL_RESOURCE_ID, 'https://graph.microsoft.com/'],
  claims: ['{"access_token":{"acrs":{"value":"c1"}}}', '{"access_token":{"nbf":{"value":"1"}}}'],
  redirect_uri: ['msauth.com.contoso.lob://auth', 'http://localhost:1'],
  response_type: ['code', 'id_token', 'code id_token', 'token'],
  response_mode: ['query', 'fragment', 'form_post'],
  prompt: ['none', 'login', 'select_account', 'consent'],
  client_assertion: ['e30.e30.e30', 'a.b.c'],
  client_assertion_type: ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
  code: [],
  code_verifier: ['v'.repeat(43)],
  code_challenge: ['v'.repeat(43)],
  refresh_token: [],
  device_code: [],
  nonce: ['n'],
  login_hint: ['alice@contoso.com'],
  domain_hint: ['contoso.com'],
  max_age: ['0'],
  client_info: ['1'],
  flow: [],
  canary: [],
  wresult: [],
  wctx: [],
};

const parameters = fc
  .uniqueArray(fc.constantFrom(...Object.keys(known)), { maxLength: 14 })
  .chain((names) =>
    fc.tuple(
      ...names.map((name) =>
        fc
          .oneof({ weight: 3, arbitrary: fc.constantFrom('x', ...known[name]!) }, { weight: 1, arbitrary: tricky })
          .map((value) => [name, value] as [string, string]),
      ),
    ),
  );

const tenant = fc.constantFrom('contoso.com', DEFAULT_TENANT_ID, 'common', 'organizations', 'consumers', 'x.y', '_');
const form = { 'content-type': 'application/x-www-form-urlencoded' };

t.test('no request at any endpoint makes the provider fail on its own account', async (t) => {
  const { app } = await mount();
  t.teardown(() => app.close());
  const posts = ['oauth2/v2.0/token', 'oauth2/token', 'oauth2/v2.0/devicecode', 'oauth2/v2.0/authorize', 'sts/ls'];
  const gets = ['oauth2/v2.0/authorize', 'oauth2/authorize', 'oauth2/v2.0/logout', 'sts/ls', 'discovery/v2.0/keys'];
  const fixed = [
    '/common/login',
    '/login.srf',
    '/devicelogin',
    '/oidc/userinfo',
    '/common/discovery/instance',
    '/error',
  ];
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom('GET', 'POST') as fc.Arbitrary<'GET' | 'POST'>,
      tenant,
      fc.nat(),
      fc.oneof({ weight: 9, arbitrary: parameters }, { weight: 1, arbitrary: fc.constant([]) }),
      fc.option(tricky, { nil: undefined }),
      async (method, name, pick, pairs, raw) => {
        const paths = [...(method === 'GET' ? gets : posts).map((path) => `/${name}/${path}`), ...fixed];
        const path = paths[pick % paths.length]!;
        const text = raw ?? new URLSearchParams(pairs).toString();
        const response = await app.inject(
          method === 'GET'
            ? { method, url: `${path}?${new URLSearchParams(pairs)}` }
            : { method, url: path, headers: form, payload: text },
        );
        if (response.statusCode >= 500) throw new Error(`${method} ${path}: ${response.statusCode} ${response.body}`);
        const type = String(response.headers['content-type'] ?? '');
        if (response.statusCode >= 400 && type.startsWith('application/json') && path.endsWith('token')) {
          const body = response.json();
          if (!Array.isArray(body.error_codes) || typeof body.error !== 'string') throw new Error(response.body);
        }
        if (type.startsWith('text/html') && /<script(?! nonce=)/.test(response.body)) throw new Error(response.body);
      },
    ),
    { numRuns: RUNS },
  );
  t.pass(`${RUNS} requests`);
});

t.test('whatever is done on the pages, without the password there is no code', async (t) => {
  const { app, idp } = await mount();
  t.teardown(() => app.close());
  for (const user of idp.directory.defaultTenant.users) {
    idp.directory.defaultTenant.users.update(user.id, { password: PASSWORD });
  }
  const action = fc.record({
    fields: fc.subarray(
      [
        ['login', 'alice@contoso.com'],
        ['pick', 'bob@contoso.com'],
        ['passwd', 'guess'],
        ['passwd', ''],
        ['otc', '123456'],
        ['newpasswd', 'guess-guess'],
        ['confirm', 'guess-guess'],
        ['account', 'other'],
        ['action', 'yes'],
      ] as [string, string][],
      { maxLength: 4 },
    ),
    choice: fc.constantFrom('accept', 'continue', 'next', 'verify', 'yes', 'no', 'back', undefined),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 8 }), fc.boolean(), async (actions, hinted) => {
      const query = new URLSearchParams({
        client_id: DEFAULT_CLIENT_ID,
        response_type: 'code',
        redirect_uri: 'http://localhost',
        scope: TUNNEL_DEFAULT_SCOPE,
        ...(hinted && { login_hint: 'alice@contoso.com' }),
      });
      const start = await app.inject(`/contoso.com/oauth2/v2.0/authorize?${query}`);
      const cookie = String(start.headers['set-cookie']).split(';')[0]!;
      const [, flow] = /name="flow" value="([^"]*)"/.exec(start.body)!;
      const [, canary] = /name="canary" value="([^"]*)"/.exec(start.body)!;
      for (const { fields, choice } of actions) {
        const payload = new URLSearchParams({
          flow: flow!,
          canary: canary!,
          ...Object.fromEntries(fields),
          ...(choice !== undefined && { action: choice }),
        });
        const headers = { ...form, cookie };
        const response = await app.inject({
          method: 'POST',
          url: '/common/login',
          headers,
          payload: payload.toString(),
        });
        if (/[?&#]code=/.test(String(response.headers.location ?? '')))
          throw new Error('A code came without a password.');
        if (/ESTSAUTH=[\w-]{43}/.test(String(response.headers['set-cookie'] ?? ''))) throw new Error('Signed in.');
      }
    }),
    { numRuns: Math.ceil(RUNS / 4) },
  );
  t.pass('no walk led to a code');
});
