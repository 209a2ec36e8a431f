import { decodeJwt } from 'jose';
import t from 'tap';
import {
  type ApplicationInput,
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  defaultDirectory,
  GRAPH_RESOURCE_ID,
  type PolicyControl,
  type TenantInput,
} from '../../../src/entra/directory/index.ts';
import type { IdentityProviderOptions } from '../../../src/entra/provider.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { TUNNEL_DEFAULT_SCOPE, TUNNEL_RESOURCE_ID } from '../../../src/lib/tunnel-api.ts';
import type { Emit } from '../../../src/telemetry/events.ts';
import { type Answer, startProvider, type TestProvider } from '../../support/identity-provider.ts';

const TOKEN = '/contoso.com/oauth2/v2.0/token';
const DEVICE = 'dddddddd-0000-4000-8000-000000000001';
const DAEMON = '1f6a7e3c-0000-4000-8000-00000000da30';
const OTHER_TENANT = '22222222-2222-4333-8444-555555555555';

function ropc(
  provider: TestProvider,
  changes: Record<string, string> = {},
  path = TOKEN,
  headers = {},
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

function refresh(provider: TestProvider, token: string, changes: Record<string, string> = {}, path = TOKEN) {
  const form = { grant_type: 'refresh_token', client_id: DEFAULT_CLIENT_ID, refresh_token: token, ...changes };
  return provider.post(path, form);
}

/** A provider whose default tenant was changed. */
function startWith(change: (tenant: TenantInput) => void, options: IdentityProviderOptions = {}) {
  const directory = defaultDirectory();
  change(directory.tenants[0]!);
  return startProvider({ directory, ...options });
}

const app = (tenant: TenantInput): ApplicationInput => tenant.applications![0]!;

t.test('an error has every member that Entra gives, and echoes the correlation id', async (t) => {
  await using provider = await startProvider();
  const correlation = '12345678-0000-4000-8000-000000000000';
  const headers = { 'client-request-id': correlation, 'return-client-request-id': 'true' };
  const { status, body, headers: answered } = await ropc(provider, { password: 'wrong' }, TOKEN, headers);
  t.equal(status, 400);
  t.strictSame(Object.keys(body).sort(), [
    'correlation_id',
    'error',
    'error_codes',
    'error_description',
    'error_uri',
    'timestamp',
    'trace_id',
  ]);
  t.match(body, {
    error: 'invalid_grant',
    error_codes: [50126],
    correlation_id: correlation,
    error_uri: `${provider.origin}/error?code=50126`,
    timestamp: /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ$/,
  });
  t.match(
    body.error_description,
    /^AADSTS50126: .+ Trace ID: [\w-]{36} Correlation ID: 12345678-[\w-]{27} Timestamp: \d{4}-\d\d-\d\d /,
  );
  t.equal(answered.get('x-ms-request-id'), body.trace_id);
  t.equal(answered.get('client-request-id'), correlation);
  t.match(answered.get('cache-control'), /no-store/);
});

t.test('what the user, the app or the tenant is decides the code of a password request', async (t) => {
  const cases: [number, string, (tenant: TenantInput) => void, Record<string, string>?, string?][] = [
    [50034, 'invalid_grant', () => {}, { username: 'nobody@contoso.com' }],
    [50053, 'invalid_grant', (tenant) => void (tenant.users![0]!.locked = true)],
    [50055, 'invalid_grant', (tenant) => void (tenant.users![0]!.passwordExpired = true)],
    [50057, 'invalid_grant', (tenant) => void (tenant.users![0]!.enabled = false)],
    [50126, 'invalid_grant', (tenant) => void (tenant.federatedDomains = ['contoso.com'])],
    [50074, 'invalid_grant', (tenant) => void (tenant.users![0]!.mfa = 'required')],
    [
      50072,
      'invalid_grant',
      (tenant) => {
        tenant.users![0]!.mfa = 'required';
        tenant.users![0]!.mfaRegistered = false;
      },
    ],
    [53011, 'invalid_grant', (tenant) => void (tenant.users![0]!.risk = 'high')],
    [50105, 'invalid_grant', (tenant) => void (tenant.servicePrincipals![0]!.assignmentRequired = true)],
    [530035, 'access_denied', (tenant) => void (tenant.securityDefaults = true)],
    [65001, 'invalid_grant', (tenant) => void (tenant.consents = [])],
    [500011, 'invalid_resource', (tenant) => void tenant.servicePrincipals!.shift()],
    [50001, 'invalid_resource', (tenant) => void (tenant.servicePrincipals![0]!.enabled = false)],
    [500011, 'invalid_resource', () => {}, { scope: 'https://no.such.api/.default' }],
    [650053, 'invalid_client', () => {}, { scope: `${TUNNEL_RESOURCE_ID}/No_Such` }],
    [
      650056,
      'invalid_client',
      (tenant) => {
        app(tenant).permissions = [];
        tenant.consents = [];
      },
    ],
    [
      650057,
      'invalid_resource',
      (tenant) => {
        app(tenant).permissions!.shift();
        tenant.consents!.shift();
      },
    ],
    [700016, 'unauthorized_client', () => {}, { client_id: OTHER_TENANT }],
    [70001, 'unauthorized_client', (tenant) => void (app(tenant).enabled = false)],
    [700025, 'invalid_client', () => {}, { client_secret: 'a secret' }],
    [70011, 'invalid_scope', () => {}, { scope: 'a"b' }],
    [28000, 'invalid_request', () => {}, { scope: `User.Read ${TUNNEL_RESOURCE_ID}/Tunnel_Allow` }],
    [70003, 'unsupported_grant_type', () => {}, { grant_type: 'magic' }],
    [900144, 'invalid_request', () => {}, { username: '' }],
    [9002313, 'invalid_grant', () => {}, { claims: '{not json' }],
    [9001023, 'invalid_request', (tenant) => void (app(tenant).signInAudience = 'AzureADMultipleOrgs'), {}, 'common'],
    [50194, 'invalid_request', () => {}, {}, 'organizations'],
  ];
  for (const [code, error, change, form, authority] of cases) {
    await using provider = await startWith(change);
    const answer = await ropc(provider, form, `/${authority ?? 'contoso.com'}/oauth2/v2.0/token`);
    t.strictSame([answer.body.error_codes, answer.body.error], [[code], error], `AADSTS${code}`);
    t.equal(answer.status, error === 'invalid_client' && code > 700000 ? 401 : 400);
  }
});

t.test('each control of a policy fails with its own code', async (t) => {
  const device = { id: DEVICE };
  const header = { 'x-tunnelite-device': DEVICE };
  type Case = [
    code: number,
    control: PolicyControl,
    change: (tenant: TenantInput) => void,
    headers?: Record<string, string>,
  ];
  const cases: Case[] = [
    [53003, 'block', () => {}],
    [50076, 'mfa', () => {}],
    [50079, 'mfa', (tenant) => void (tenant.users![0]!.mfaRegistered = false)],
    [50097, 'compliant-device', () => {}],
    [50129, 'compliant-device', () => {}, header],
    [50129, 'compliant-device', (tenant) => void (tenant.devices = [{ ...device, joinType: 'none' }]), header],
    [50187, 'compliant-device', (tenant) => void (tenant.devices = [{ ...device, enabled: false }]), header],
    [50187, 'compliant-device', (tenant) => void (tenant.devices = [{ ...device, owner: 'bob@contoso.com' }]), header],
    [530003, 'compliant-device', (tenant) => void (tenant.devices = [{ ...device, managed: false }]), header],
    [53000, 'compliant-device', (tenant) => void (tenant.devices = [{ ...device, compliant: false }]), header],
    [53001, 'domain-joined-device', (tenant) => void (tenant.devices = [device]), header],
    [53002, 'approved-client-app', () => {}],
    [53005, 'app-protection', () => {}],
    [50127, 'broker', () => {}],
    [50158, 'external-challenge', () => {}],
    [50135, 'password-change', (tenant) => void (tenant.users![0]!.risk = 'medium')],
  ];
  for (const [code, control, change, headers] of cases) {
    await using provider = await startWith((tenant) => {
      tenant.policies = [{ displayName: 'Test', controls: [control] }];
      change(tenant);
    });
    const { body } = await ropc(provider, {}, TOKEN, headers);
    t.strictSame(body.error_codes, [code], `${control}: AADSTS${code}`);
    const policy = [...provider.idp.directory.defaultTenant.policies][0]!;
    t.strictSame(JSON.parse(body.claims).access_token.capolids.values, [policy.id], 'claims name the policy');
  }
});

t.test('a compliant device meets the policy and is named in the token', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.policies = [{ displayName: 'Device', controls: ['compliant-device', 'mfa'], operator: 'or' }];
    tenant.devices = [{ id: DEVICE, owner: 'alice@contoso.com' }];
  });
  const { body } = await ropc(provider, {}, TOKEN, { 'x-tunnelite-device': DEVICE });
  t.equal(decodeJwt(body.access_token).deviceid, DEVICE);
  const again = await refresh(provider, body.refresh_token);
  t.equal(decodeJwt(again.body.access_token).deviceid, DEVICE, 'a refresh comes from the same device');
});

t.test('a policy strikes only the users, resources, clients and contexts it is for', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.policies = [
      { displayName: 'Bob', controls: ['block'], users: ['bob@contoso.com'] },
      { displayName: 'Graph', controls: ['block'], resources: [GRAPH_RESOURCE_ID] },
      { displayName: 'Only the LOB app', controls: ['block'], excludeClients: [DEFAULT_CLIENT_ID] },
      { displayName: 'Context', controls: ['mfa'], authenticationContexts: ['c1'] },
      { displayName: 'Off', controls: ['block'], enabled: false },
    ];
  });
  t.equal((await ropc(provider)).status, 200);
  t.match((await ropc(provider, { username: 'bob@contoso.com' })).body, { error_codes: [53003] });
  t.match((await ropc(provider, { scope: 'User.Read' })).body, { error_codes: [53003] });
  const claims = JSON.stringify({ access_token: { acrs: { essential: true, value: 'c1' } } });
  t.match((await ropc(provider, { claims })).body, { error_codes: [50076] });
  provider.idp.directory.defaultTenant.policies.update('Context', { enabled: false });
  const allowed = await ropc(provider, { claims });
  t.strictSame(decodeJwt(allowed.body.access_token).acrs, ['c1']);
});

t.test('v1 endpoints take resource=, write numbers as texts, and say interaction_required', async (t) => {
  await using provider = await startProvider();
  const v1 = '/contoso.com/oauth2/token';
  const { body } = await ropc(provider, { resource: TUNNEL_RESOURCE_ID, scope: '' }, v1);
  t.match(body, { resource: TUNNEL_RESOURCE_ID, scope: 'Tunnel_Allow', expires_in: /^\d+$/, expires_on: /^\d+$/ });
  t.equal(decodeJwt(body.access_token).ver, '2.0', 'the resource decides the version of the token');
  t.equal(decodeJwt(body.id_token).ver, '1.0', 'the endpoint decides the version of the id token');
  provider.idp.failNext({ code: 50076 });
  const refused = await ropc(provider, { resource: TUNNEL_RESOURCE_ID, scope: '' }, v1);
  t.match(refused.body, { error: 'interaction_required', error_codes: [50076] });
  t.notOk('suberror' in refused.body);
});

t.test('a v1 resource has v1 tokens with the audience as it was asked for', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.servicePrincipals![0]!.accessTokenVersion = 1;
  });
  const { body } = await ropc(provider);
  t.match(decodeJwt(body.access_token), {
    ver: '1.0',
    iss: `${provider.origin}/${DEFAULT_TENANT_ID}/`,
    appid: DEFAULT_CLIENT_ID,
    upn: 'alice@contoso.com',
    amr: ['pwd'],
  });
});

t.test('a refresh token buys tokens for every resource with consent, and a new refresh token', async (t) => {
  await using provider = await startProvider();
  const first = (await ropc(provider)).body;
  const second = (await refresh(provider, first.refresh_token)).body;
  t.not(second.refresh_token, first.refresh_token);
  t.equal(decodeJwt(second.access_token).aud, TUNNEL_RESOURCE_ID, 'without scope it is for what was asked before');
  const graph = (await refresh(provider, second.refresh_token, { scope: 'User.Read' })).body;
  t.equal(decodeJwt(graph.access_token).aud, GRAPH_RESOURCE_ID);
  t.equal((await refresh(provider, first.refresh_token)).status, 200, 'Entra leaves used refresh tokens valid');
});

t.test('with replay "revoke", a refresh token used twice ends every token of that sign-in', async (t) => {
  await using provider = await startProvider({ behaviour: { replay: 'revoke' } });
  const first = (await ropc(provider)).body;
  const second = (await refresh(provider, first.refresh_token)).body;
  t.match((await refresh(provider, first.refresh_token)).body, { error_codes: [70000], suberror: 'bad_token' });
  t.match((await refresh(provider, second.refresh_token)).body, { error_codes: [50173] });
});

t.test(
  'a refresh token ends with the password, the sessions, the account, its time, or at another client',
  async (t) => {
    const clock = new ManualClock();
    await using provider = await startWith(
      (tenant) => {
        tenant.applications!.push({ appId: DAEMON, redirectUris: [] });
      },
      { clock },
    );
    const { users } = provider.idp.directory.defaultTenant;
    const token = async () => (await ropc(provider)).body.refresh_token as string;
    let held = await token();
    t.match((await refresh(provider, held, { client_id: DAEMON })).body, { error_codes: [70000] });
    t.match((await refresh(provider, 'never issued')).body, { error_codes: [70000] });
    provider.idp.revokeSessions('alice@contoso.com');
    t.match((await refresh(provider, held)).body, { error_codes: [50173], suberror: 'bad_token' });
    held = await token();
    t.equal((await refresh(provider, held)).status, 200, 'a new sign-in in the same second counts');
    users.update('alice@contoso.com', { password: 'changed' });
    t.match((await refresh(provider, held)).body, { error_codes: [50133] });
    users.update('alice@contoso.com', { password: DEFAULT_PASSWORD });
    users.update('alice@contoso.com', { enabled: false });
    t.match((await refresh(provider, held)).body, { error_codes: [50057] });
    users.update('alice@contoso.com', { enabled: true });
    clock.advance(90 * 86_400_000);
    const expired = await refresh(provider, held);
    t.match(expired.body, { error_codes: [700082], suberror: 'token_expired' });
    t.match(expired.body.error_description, /inactive for 90\.00:00:00/);
  },
);

t.test('ten wrong passwords lock an account for a minute', async (t) => {
  const clock = new ManualClock();
  await using provider = await startProvider({ clock });
  for (let attempt = 0; attempt < 10; attempt++) await ropc(provider, { password: 'wrong' });
  t.match((await ropc(provider)).body, { error_codes: [50053] });
  clock.advance(60_000);
  t.equal((await ropc(provider)).status, 200);
});

t.test('MFA and sign-in frequency run out', async (t) => {
  const clock = new ManualClock();
  await using provider = await startWith(
    (tenant) => {
      tenant.policies = [{ displayName: 'Often', signInFrequencySeconds: 3600 }];
    },
    { clock },
  );
  const { refresh_token } = (await ropc(provider)).body;
  t.equal((await refresh(provider, refresh_token)).status, 200);
  clock.advance(3_600_000);
  t.match((await refresh(provider, refresh_token)).body, { error_codes: [70043], suberror: 'bad_token' });
});

t.test('a guest gets tokens of the tenant it visits, with acct 1 and its home as idp', async (t) => {
  const directory = defaultDirectory();
  directory.tenants.push({
    id: OTHER_TENANT,
    domains: ['fabrikam.com'],
    users: [{ userPrincipalName: 'alice@contoso.com', type: 'guest' }],
    applications: [
      {
        appId: DAEMON,
        optionalClaims: ['acct'],
        permissions: [{ resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] }],
      },
    ],
    servicePrincipals: [{ appId: TUNNEL_RESOURCE_ID }],
    consents: [{ client: DAEMON, resource: TUNNEL_RESOURCE_ID, scopes: ['Tunnel_Allow'] }],
  });
  await using provider = await startProvider({ directory });
  const path = '/fabrikam.com/oauth2/v2.0/token';
  const guest = await ropc(provider, { client_id: DAEMON, client_info: '1' }, path);
  t.match(decodeJwt(guest.body.access_token), {
    tid: OTHER_TENANT,
    acct: 1,
    idp: `${provider.origin}/${DEFAULT_TENANT_ID}/`,
  });
  const home = JSON.parse(Buffer.from(guest.body.client_info, 'base64url').toString());
  t.equal(home.utid, DEFAULT_TENANT_ID, 'client_info names the home account');
  const stranger = await ropc(provider, { client_id: DAEMON, username: 'bob@contoso.com' }, path);
  t.match(stranger.body, { error_codes: [50020] });
});

t.test('a multi-tenant app refreshes at another tenant only where the user is a guest', async (t) => {
  const directory = defaultDirectory();
  directory.tenants[0]!.applications![0]!.signInAudience = 'AzureADMultipleOrgs';
  directory.tenants.push({ id: OTHER_TENANT, domains: ['fabrikam.com'] });
  await using provider = await startProvider({ directory });
  const { refresh_token } = (await ropc(provider)).body;
  const there = '/fabrikam.com/oauth2/v2.0/token';
  t.match((await refresh(provider, refresh_token, {}, there)).body, { error_codes: [90072] });
});

t.test('client credentials need a tenant, a secret and /.default, and give a token for no user', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.applications!.push({
      appId: DAEMON,
      publicClient: false,
      signInAudience: 'AzureADMultipleOrgs',
      secrets: [{ value: 'new' }, { value: 'old', expires: '2001-01-01T00:00:00Z' }],
    });
    tenant.consents!.push({ client: DAEMON, resource: TUNNEL_RESOURCE_ID, roles: ['Role.One'] });
  });
  const ask = (changes: Record<string, string> = {}, path = TOKEN, headers = {}) => {
    const form = { grant_type: 'client_credentials', client_id: DAEMON, scope: TUNNEL_DEFAULT_SCOPE, ...changes };
    return provider.post(path, form, headers);
  };
  const { body } = await ask({ client_secret: 'new' });
  const claims = decodeJwt(body.access_token);
  t.match(claims, { aud: TUNNEL_RESOURCE_ID, azpacr: '1', roles: ['Role.One'] });
  t.equal(claims.oid, claims.sub);
  t.notOk('scp' in claims);
  t.notOk('refresh_token' in body);
  const basic = Buffer.from(`${DAEMON}:new`).toString('base64');
  t.equal((await ask({}, TOKEN, { authorization: `Basic ${basic}` })).status, 200);
  t.match(await ask(), { status: 401, body: { error: 'invalid_client', error_codes: [7000218] } });
  t.match(await ask({ client_secret: 'wrong' }), { status: 401, body: { error_codes: [7000215] } });
  t.match(await ask({ client_secret: 'old' }), { status: 401, body: { error_codes: [7000222] } });
  t.match((await ask({ client_secret: 'new', scope: `${TUNNEL_RESOURCE_ID}/Tunnel_Allow` })).body, {
    error_codes: [70011],
  });
  const common = '/organizations/oauth2/v2.0/token';
  t.match((await ask({ client_secret: 'new' }, common)).body, { error_codes: [50059] });
});

t.test('where an assignment is required, those who are assigned get in, and nobody else', async (t) => {
  await using provider = await startWith((tenant) => {
    Object.assign(tenant.servicePrincipals![0]!, { assignmentRequired: true, assigned: ['alice@contoso.com'] });
  });
  t.equal((await ropc(provider)).status, 200);
  t.match((await ropc(provider, { username: 'bob@contoso.com' })).body, { error_codes: [50105] });
});

t.test('each refusal is told to who listens, but not that a device code waits still', async (t) => {
  const told: unknown[] = [];
  const emit: Emit = (name, fields) => name === 'identity.token.refused' && void told.push(fields);
  await using provider = await startProvider({ emit });
  const form = { client_id: DEFAULT_CLIENT_ID, scope: TUNNEL_DEFAULT_SCOPE };
  const { device_code } = (await provider.post('/contoso.com/oauth2/v2.0/devicecode', form)).body;
  const poll = { grant_type: 'device_code', client_id: DEFAULT_CLIENT_ID, device_code };
  t.match((await provider.post(TOKEN, poll)).body, { error_codes: [70016] });
  t.strictSame(told, []);
  await ropc(provider, { password: 'wrong' });
  t.match(told, [{ user: 'alice@contoso.com', client: DEFAULT_CLIENT_ID, grant: 'password', code: 50126 }]);
});

t.test('an app without a secret is no client of its own, and one with a secret does nothing without it', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.applications!.push({ appId: DAEMON, publicClient: false, secrets: [{ value: 'new' }] });
  });
  const form = { grant_type: 'client_credentials', client_id: DEFAULT_CLIENT_ID, scope: TUNNEL_DEFAULT_SCOPE };
  t.match(await provider.post(TOKEN, form), { status: 401, body: { error_codes: [7000218] } });
  t.match((await provider.post(TOKEN, { ...form, client_secret: 'made up' })).body, { error_codes: [700025] });
  t.match((await ropc(provider, { client_id: DAEMON })).body, { error_codes: [7000218] });
  t.not((await ropc(provider, { client_id: DAEMON, client_secret: 'new' })).body.error_codes?.[0], 7000218);
});

t.test('a credential in a Basic header is decoded as a form is', async (t) => {
  await using provider = await startWith((tenant) => {
    tenant.applications!.push({ appId: DAEMON, publicClient: false, secrets: [{ value: 'a b+c%:d' }] });
  });
  const ask = async (header: string) => {
    const form = { grant_type: 'client_credentials', scope: TUNNEL_DEFAULT_SCOPE };
    const { status, body } = await provider.post(TOKEN, form, { authorization: header });
    return status === 200 ? 200 : body.error_codes[0];
  };
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  t.equal(await ask(basic(`${DAEMON}:a+b%2Bc%25:d`)), 200);
  t.equal(await ask(basic(`${DAEMON}:a%20b%2Bc%25%3Ad`).replace('Basic', 'bAsIc')), 200);
  t.equal(await ask(basic(`${DAEMON}:a b+c%25:d`)), 7000215, 'a plus is a space');
  t.equal(await ask(basic(`${DAEMON}:%zz`)), 9002313);
  for (const header of [basic(DAEMON), basic(':x'), `Bearer ${basic(`${DAEMON}:x`).slice(6)}`, 'Basic !'])
    t.equal(await ask(header), 900144, header);
});

t.test('a one-shot failure strikes the user and client it is for, as often as asked', async (t) => {
  await using provider = await startProvider();
  provider.idp.failNext({ user: 'bob@contoso.com', code: 53000, times: 2 });
  t.equal((await ropc(provider)).status, 200, 'Alice is not meant');
  for (let time = 0; time < 2; time++) {
    t.match((await ropc(provider, { username: 'bob@contoso.com' })).body, {
      error: 'interaction_required',
      error_codes: [53000],
      suberror: 'message_only',
    });
  }
  t.equal((await ropc(provider, { username: 'bob@contoso.com' })).status, 200);
  t.throws(() => provider.idp.failNext({ code: 1 }), { code: 'ERR_IDENTITY_OVERRIDE' });
});

t.test('a client that asks the same over and over is stopped when a limit is set', async (t) => {
  await using provider = await startProvider({ behaviour: { loopLimit: 2 } });
  t.equal((await ropc(provider)).status, 200);
  t.equal((await ropc(provider)).status, 200);
  t.match((await ropc(provider)).body, { error_codes: [50196] });
});

t.test('an endpoint fails, tells when to come back, and recovers', async (t) => {
  await using provider = await startProvider();
  provider.idp.disturb('token', { status: 429, retryAfter: 7, times: 1 });
  const busy = await ropc(provider);
  t.equal(busy.status, 429);
  t.equal(busy.headers.get('retry-after'), '7');
  t.match(busy.body, { error: 'temporarily_unavailable' });
  t.equal((await ropc(provider)).status, 200);
  provider.idp.disturb('keys', { body: 'garbage' });
  t.equal(await (await provider.fetch('/common/discovery/v2.0/keys')).text(), 'garbage');
  provider.idp.disturb('metadata', { drop: true });
  await t.rejects(provider.fetch('/common/v2.0/.well-known/openid-configuration'));
  t.throws(() => provider.idp.disturb('nonsense' as never, {}), { code: 'ERR_IDENTITY_OVERRIDE' });
});

t.test('user info answers to a Graph token and to nothing else', async (t) => {
  await using provider = await startProvider();
  const ask = (token: string) => provider.fetch('/oidc/userinfo', { headers: { authorization: `Bearer ${token}` } });
  const { access_token: graph, id_token } = (await ropc(provider, { scope: 'openid profile User.Read' })).body;
  const answer = await ask(graph);
  const { sub } = decodeJwt(id_token);
  t.match(
    await answer.json(),
    { sub, name: 'Alice Ahrens', email: 'alice@contoso.com' },
    'the subject of the id token',
  );
  provider.idp.directory.tenant('contoso.com').users.update('alice@contoso.com', { claims: { sub: 'her own' } });
  t.match(await (await ask(graph)).json(), { sub: 'her own' });
  const tunnel = (await ropc(provider)).body.access_token;
  t.equal((await ask(tunnel)).status, 401);
  t.equal((await ask('nonsense')).status, 401);
});
