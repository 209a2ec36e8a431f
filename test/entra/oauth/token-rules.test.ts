import { decodeJwt } from 'jose';
import t from 'tap';
import {
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  defaultDirectory,
  GRAPH_RESOURCE_ID,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import type { IdentityProviderOptions } from '../../../src/entra/provider.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import type { Emit } from '../../../src/telemetry/events.ts';
import { type Answer, startProvider, type TestProvider } from '../../support/identity-provider.ts';

const V1 = '/contoso.com/oauth2/token';
const V2 = '/contoso.com/oauth2/v2.0/token';
const DAEMON = '1f6a7e3c-0000-4000-8000-00000000da30';
const OTHER = '22222222-2222-4333-8444-555555555555';
const OTHER_V2 = '/fabrikam.com/oauth2/v2.0/token';

function ropc(
  provider: TestProvider,
  changes: Record<string, string> = {},
  path = V2,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const form = {
    grant_type: 'password',
    client_id: DEFAULT_CLIENT_ID,
    username: 'alice@contoso.com',
    password: DEFAULT_PASSWORD,
    scope: `openid offline_access ${TUNNEL_DEFAULT_SCOPE}`,
    ...changes,
  };
  return provider.post(path, form, headers);
}

/** The first code of an answer; 0 when there is a token. */
const codeOf = ({ status, body }: Answer): number => (status === 200 ? 0 : body.error_codes[0]);

function startWith(change: (tenant: TenantInput) => void, options: IdentityProviderOptions = {}) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return startProvider({ directory, ...options });
}

/** A provider with a second tenant that has these users. */
function startWithOther(users: NonNullable<TenantInput['users']>, change: (tenant: TenantInput) => void = () => {}) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  const scopes = ['Tunnel_Allow'];
  directory.tenants.push({
    id: OTHER,
    domains: ['fabrikam.com'],
    users,
    applications: [
      { appId: DAEMON, optionalClaims: ['acct'], permissions: [{ resource: TUNNEL_RESOURCE_ID, scopes }] },
    ],
    servicePrincipals: [{ appId: TUNNEL_RESOURCE_ID }],
    consents: [{ client: DAEMON, resource: TUNNEL_RESOURCE_ID, scopes }],
  });
  return startProvider({ directory });
}

t.test('a v2 token of two hours or more says when to renew it: after half its time', async (t) => {
  for (const [accessToken, path, renew] of [
    [7200, V2, 3600],
    [7201, V2, 3600],
    [7199, V2, undefined],
    [7200, V1, undefined],
  ] as const) {
    await using provider = await startProvider({ lifetimes: { accessToken }, clock: new ManualClock() });
    const form: Record<string, string> = path === V1 ? { resource: TUNNEL_RESOURCE_ID, scope: '' } : {};
    const { body } = await ropc(provider, form, path);
    t.equal(Number(body.expires_in), accessToken);
    t.equal(body.refresh_in, renew, `${accessToken} s at ${path}`);
  }
});

t.test(
  'a guest whose home is not simulated signs in as the entry of the tenant, and comes from elsewhere',
  async (t) => {
    await using provider = await startWithOther([
      { userPrincipalName: 'carol@nowhere.test', type: 'guest', password: DEFAULT_PASSWORD },
    ]);
    const form = { client_id: DAEMON, username: 'carol@nowhere.test' };
    const answer = await ropc(provider, form, OTHER_V2);
    const claims = decodeJwt(answer.body.access_token);
    t.match(claims, { acct: 1, tid: OTHER, idp: /^https:\/\/sts\.windows\.net\// }, 'not this tenant itself');
    t.equal(codeOf(await ropc(provider, { ...form, password: 'wrong' }, OTHER_V2)), 50126);
  },
);

t.test('a guest who is locked, at home or here, is told so whatever the password', async (t) => {
  for (const [atHome, here, code] of [
    [false, false, 50126],
    [true, false, 50053],
    [false, true, 50053],
  ] as const) {
    await using provider = await startWithOther(
      [{ userPrincipalName: 'alice@contoso.com', type: 'guest', locked: here }],
      (tenant) => {
        Object.assign(tenant.users![0]!, { locked: atHome });
      },
    );
    const answer = await ropc(provider, { client_id: DAEMON, password: 'wrong' }, OTHER_V2);
    t.equal(codeOf(answer), code, `${atHome} ${here}`);
  }
});

t.test('an ordered failure goes before the password, and is over with it', async (t) => {
  await using provider = await startProvider();
  provider.idp.failNext({ user: 'alice@contoso.com', code: 53000 });
  t.equal(codeOf(await ropc(provider, { password: 'wrong' })), 53000);
  t.equal(codeOf(await ropc(provider, { password: 'wrong' })), 50126);
});

t.test('an ordered failure names the resource as it was asked for', async (t) => {
  await using provider = await startProvider();
  for (const [scope, named] of [
    [`openid ${TUNNEL_RESOURCE_ID}/.default`, TUNNEL_RESOURCE_ID],
    ['https://graph.microsoft.com/User.Read', 'https://graph.microsoft.com'],
    ['User.Read', GRAPH_RESOURCE_ID],
  ] as const) {
    provider.idp.failNext({ code: 50076 });
    const { body } = await ropc(provider, { scope });
    t.match(body.error_description, `to access '${named}'.`, scope);
  }
});

t.test('only a failure of a policy gives claims for the next request', async (t) => {
  await using perUser = await startWith((tenant) => {
    Object.assign(tenant.users![0]!, { mfa: 'required' });
  });
  const { body } = await ropc(perUser);
  t.equal(body.error_codes[0], 50074);
  t.notOk('claims' in body);
});

t.test('a v1 request is for one resource', async (t) => {
  await using provider = await startProvider();
  const resource = `https://graph.microsoft.com/User.Read ${TUNNEL_RESOURCE_ID}`;
  t.equal(codeOf(await ropc(provider, { resource, scope: '' }, V1)), 28000);
});

t.test('an app that asks for an API which the tenant does not have is told so, listed or not', async (t) => {
  for (const permissions of [[], [{ resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] }]]) {
    await using provider = await startWith((tenant) => {
      tenant.servicePrincipals = [];
      tenant.applications!.push({ appId: DAEMON, publicClient: false, secrets: [{ value: 's' }], permissions });
    });
    const form = {
      grant_type: 'client_credentials',
      client_id: DAEMON,
      client_secret: 's',
      scope: TUNNEL_DEFAULT_SCOPE,
    };
    t.equal(codeOf(await provider.post(V2, form)), 500011, `${permissions.length} permissions`);
  }
});

t.test('a challenge for a newer sign-in refuses refresh tokens of older ones (CAE)', async (t) => {
  const clock = new ManualClock();
  await using provider = await startProvider({ clock });
  const { refresh_token } = (await ropc(provider)).body;
  const signedIn = Math.floor(clock.now() / 1000);
  const refresh = (nbf: number) =>
    provider.post(V2, {
      grant_type: 'refresh_token',
      client_id: DEFAULT_CLIENT_ID,
      refresh_token,
      claims: JSON.stringify({ access_token: { nbf: { essential: true, value: String(nbf) } } }),
    });
  t.equal(codeOf(await refresh(signedIn)), 0);
  const { body } = await refresh(signedIn + 1);
  t.equal(body.error_codes[0], 50173);
  const times = [signedIn, signedIn + 1].map(
    (at) => `${new Date(at * 1000).toISOString().replace('.000Z', '')}.0000000Z`,
  );
  t.strictSame(
    body.error_description.match(/\b\d{4}-\d\d-\d\dT[\d:.]+Z/g),
    times,
    'when it was, and when it has to be',
  );
});

t.test('the device of a request goes before that of the sign-in, for policies and in the token', async (t) => {
  const [first, second] = ['dddddddd-0000-4000-8000-000000000001', 'dddddddd-0000-4000-8000-000000000002'] as const;
  await using provider = await startWith((tenant) => {
    tenant.devices = [
      { id: first, owner: 'alice@contoso.com' },
      { id: second, owner: 'alice@contoso.com' },
    ];
  });
  const { refresh_token } = (await ropc(provider, {}, V2, { 'x-tunnelite-device': first })).body;
  const form = { grant_type: 'refresh_token', client_id: DEFAULT_CLIENT_ID, refresh_token };
  const { policies, devices } = provider.idp.directory.defaultTenant;
  policies.add({ displayName: 'Device', controls: ['compliant-device'] });
  devices.update(first, { compliant: false });
  t.equal(codeOf(await provider.post(V2, form)), 53000);
  const answer = await provider.post(V2, form, { 'x-tunnelite-device': second });
  t.equal(decodeJwt(answer.body.access_token).deviceid, second);
});

t.test('a multi-tenant app refreshes where the user is a guest, as the guest', async (t) => {
  await using provider = await startWithOther([{ userPrincipalName: 'alice@contoso.com', type: 'guest' }], (tenant) => {
    Object.assign(tenant.applications![0]!, { signInAudience: 'AzureADMultipleOrgs', optionalClaims: ['acct'] });
  });
  const consent = { client: DEFAULT_CLIENT_ID, resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] };
  provider.idp.directory.tenant(OTHER).consents.add(consent);
  const { refresh_token } = (await ropc(provider)).body;
  const form = { grant_type: 'refresh_token', client_id: DEFAULT_CLIENT_ID, refresh_token };
  const { body } = await provider.post(OTHER_V2, form);
  const guest = provider.idp.directory.tenant(OTHER).users.get('alice@contoso.com');
  t.match(decodeJwt(body.access_token), { tid: OTHER, oid: guest.id, acct: 1 });
});

t.test('a fault of the provider itself is a 500 that is told, and reveals nothing', async (t) => {
  const told: unknown[] = [];
  const emit: Emit = (name, fields) => {
    if (name === 'identity.token.issued') throw new Error('out of paper');
    if (name === 'identity.request.failed') told.push(fields);
  };
  await using provider = await startProvider({ emit });
  const { status, body } = await ropc(provider);
  t.equal(status, 500);
  t.match(body, { error_codes: [70012] });
  t.notMatch(JSON.stringify(body), /out of paper/);
  t.strictSame(told, [{ path: V2, explanation: 'Error: out of paper' }]);
});
