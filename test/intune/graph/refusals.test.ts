import t, { type Test } from 'tap';
import { WELL_KNOWN_RESOURCES } from '../../../src/entra/directory/well-known.ts';
import { PERMISSIONS } from '../../../src/intune/graph/access.ts';
import { testCertificates, testLeaf } from '../../support/certificates.ts';
import { graphClient, graphToken } from '../../support/graph.ts';
import { start } from '../../support/running-simulator.ts';

/* What Graph says to requests that are wrong; nothing is changed by one of them. */

const SITES = '/beta/deviceManagement/microsoftTunnelSites';
const CONFIGURATIONS = '/beta/deviceManagement/microsoftTunnelConfigurations';
const POLICIES = '/beta/deviceAppManagement/targetedManagedAppConfigurations';
const PROFILES = '/beta/deviceManagement/deviceConfigurations';

const sim = await start(t);
const { objects } = await sim.intune();
const graph = await graphClient(t, sim);

const everything = () =>
  JSON.stringify([
    sim.identity.directory.export(),
    objects.store.list('microsoftTunnelSites'),
    objects.store.list('microsoftTunnelConfigurations'),
    objects.store.list('targetedManagedAppConfigurations'),
    objects.store.list('deviceConfigurations'),
    objects.store.list('groups'),
  ]);

/** Asserts that a request is refused so, in Graph's shape, and has changed nothing. */
async function refused(
  t: Test,
  [method, path, body, headers]: readonly [string, string, unknown?, Record<string, string>?],
  status: number,
  code: string,
  message: RegExp,
  ask = graph,
): Promise<void> {
  const before = everything();
  const answer = await ask(method, path, body, headers);
  const what = `${method} ${path.slice(0, 100)}`;
  t.equal(answer.status, status, what);
  t.match(answer.body, { error: { code, message, innerError: { 'request-id': String, date: /Z$/ } } }, what);
  t.equal(everything(), before, 'nothing changed');
}

t.test('tokens that are none, are over, or are for something else', async (t) => {
  const wrong = [
    ['', /Access token is empty/],
    ['not.a.token', /CompactToken parsing failed/],
    [await sim.token(), /Invalid audience/],
    [(await sim.mintToken({ wrong: 'foreign-key' })).accessToken, /Invalid signature/],
    [(await sim.mintToken({ wrong: 'alg-none' })).accessToken, /CompactToken parsing failed/],
    [(await sim.mintToken({ audience: 'https://graph.microsoft.com', expiresIn: -60 })).accessToken, /expired/],
  ] as const;
  for (const [token, message] of wrong) {
    const ask = await graphClient(t, sim, token);
    await refused(t, ['GET', SITES], 401, 'InvalidAuthenticationToken', message, ask);
  }
  const token = await graphToken(sim);
  const ask = await graphClient(t, sim, token);
  t.equal((await ask('GET', SITES)).status, 200);
  await sim.clock.advance('2h');
  t.teardown(() => sim.reset());
  await refused(t, ['POST', POLICIES, { displayName: 'late' }], 401, 'InvalidAuthenticationToken', /expired/, ask);
});

t.test('permissions that are missing', async (t) => {
  const reader = await graphClient(t, sim, await graphToken(sim, ['DeviceManagementConfiguration.Read.All']));
  t.equal((await reader('GET', SITES)).status, 200);
  await refused(t, ['POST', SITES, { displayName: 'a' }], 403, 'Forbidden', /ReadWrite\.All/, reader);
  await refused(t, ['GET', POLICIES], 403, 'Forbidden', /DeviceManagementApps\.Read\.All/, reader);
  await refused(t, ['GET', '/v1.0/applications'], 403, 'Authorization_RequestDenied', /Insufficient/, reader);
  await refused(t, ['GET', '/v1.0/me'], 403, 'Authorization_RequestDenied', /Insufficient/, reader);
  const scopes = new Set(WELL_KNOWN_RESOURCES.flatMap((resource) => resource.scopes.map(({ value }) => value)));
  for (const { read, write } of Object.values(PERMISSIONS)) {
    for (const name of [...read, ...write]) t.ok(scopes.has(name), `Entra ID knows ${name}`);
  }
});

t.test('addresses that lead nowhere', async (t) => {
  const segment = /Resource not found for the segment/;
  await refused(t, ['GET', '/beta/deviceManagement/nothing'], 400, 'BadRequest', segment);
  await refused(t, ['GET', '/v1.0/deviceManagement/microsoftTunnelSites'], 400, 'BadRequest', segment);
  await refused(t, ['GET', '/beta/deviceAppManagement/microsoftTunnelSites'], 400, 'BadRequest', segment);
  await refused(t, ['GET', '/beta/__proto__'], 400, 'BadRequest', segment);
  await refused(t, ['GET', '/beta/deviceManagement/constructor'], 400, 'BadRequest', segment);
  await refused(t, ['GET', `${SITES}/no-such-site`], 404, 'ResourceNotFound', /no-such-site/);
  await refused(t, ['PATCH', `${POLICIES}/__proto__`, {}], 404, 'ResourceNotFound', /__proto__/);
  await refused(t, ['GET', '/v1.0/users/nobody'], 404, 'Request_ResourceNotFound', /nobody/);
  await refused(t, ['PUT', SITES, {}], 405, 'MethodNotAllowed', /not supported/);
  await refused(t, ['GET', `/beta/${'a/'.repeat(50)}`], 400, 'BadRequest', /address/);
});

t.test('queries that cannot be read', async (t) => {
  const clause = /Invalid filter clause/;
  for (const filter of [
    '',
    'displayName',
    'displayName eq',
    "displayName eq 'open",
    "displayName like 'a'",
    "exec('a','b')",
    `${'('.repeat(50)}displayName eq 'a'${')'.repeat(50)}`,
    `${'not '.repeat(50)}true eq true`,
    "displayName in 'a'",
    "displayName eq 'a' displayName",
    `displayName eq '${'a'.repeat(5000)}'`,
    '%00',
  ]) {
    await refused(t, ['GET', `${SITES}?$filter=${filter}`], 400, 'BadRequest', clause);
  }
  await refused(t, ['GET', `${SITES}?$top=0`], 400, 'BadRequest', /\$top/);
  await refused(t, ['GET', `${SITES}?$top=1e999`], 400, 'BadRequest', /\$top/);
  await refused(t, ['GET', `${SITES}?$skip=-1`], 400, 'BadRequest', /\$skip/);
  await refused(t, ['GET', `${SITES}?$apply=aggregate`], 400, 'BadRequest', /not supported/);
  await refused(t, ['GET', `${SITES}?$top=1&$top=2`], 400, 'BadRequest', /more than once/);
});

t.test('bodies that are no objects of their type', async (t) => {
  const json = { 'content-type': 'application/json' };
  const notJson = /Unable to read JSON request payload/;
  await refused(t, ['POST', POLICIES, '{"displayName":', json], 400, 'BadRequest', notJson);
  await refused(t, ['POST', POLICIES, '{"displayName":"a","displayName":"b"}', json], 400, 'BadRequest', notJson);
  await refused(t, ['POST', POLICIES, `{"a":${'['.repeat(100)}${']'.repeat(100)}}`, json], 400, 'BadRequest', notJson);
  await refused(t, ['POST', POLICIES, '{}', { 'content-type': 'text/plain' }], 400, 'BadRequest', /Content-Type/);
  await refused(t, ['POST', POLICIES, '[]', json], 400, 'BadRequest', notJson);
  await refused(t, ['POST', POLICIES, {}], 400, 'BadRequest', /'displayName' is required/);
  await refused(t, ['POST', POLICIES, { displayName: null }], 400, 'BadRequest', /other than null/);
  await refused(t, ['POST', POLICIES, { displayName: 7 }], 400, 'BadRequest', /a string is expected/);
  await refused(
    t,
    ['POST', POLICIES, { displayName: 'a', colour: 'red' }],
    400,
    'BadRequest',
    /'colour' does not exist/,
  );
  const spoofed = '{"displayName":"a","__proto__":{"isAdmin":true}}';
  await refused(t, ['POST', POLICIES, spoofed, json], 400, 'BadRequest', /'__proto__' does not exist/);
  const unknown = { '@odata.type': '#microsoft.graph.windowsRootkit', displayName: 'a' };
  const unresolved = /A type named 'microsoft.graph.windowsRootkit' could not be resolved by the model/;
  await refused(t, ['POST', POLICIES, unknown], 400, 'BadRequest', unresolved);
  await refused(t, ['POST', PROFILES, unknown], 400, 'BadRequest', unresolved);
  await refused(t, ['POST', PROFILES, { displayName: 'a' }], 400, 'BadRequest', /'@odata.type' is missing/);
  await refused(
    t,
    ['POST', POLICIES, { displayName: 'a', apps: [{ mobileAppIdentifier: { '@odata.type': '#x' } }] }],
    400,
    'BadRequest',
    /type named 'x'/,
  );
  await refused(
    t,
    ['POST', POLICIES, { displayName: 'a', appGroupType: 'everything' }],
    400,
    'BadRequest',
    /one of selectedPublicApps/,
  );
  await refused(t, ['POST', CONFIGURATIONS, { displayName: 'a', listenPort: 1e300 }], 400, 'BadRequest', /32 bits/);
  await refused(t, ['POST', CONFIGURATIONS, { displayName: 'a', listenPort: 0 }], 400, 'BadRequest', /1 to 65535/);
  const many = Array.from({ length: 501 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24`);
  await refused(t, ['POST', CONFIGURATIONS, { displayName: 'a', routeIncludes: many }], 400, 'BadRequest', /500/);
  await refused(
    t,
    ['POST', SITES, { displayName: 'a', microsoftTunnelConfiguration: { id: 'x' } }],
    404,
    'ResourceNotFound',
    /x/,
  );
});

t.test('a policy of five megabytes', async (t) => {
  const large = { displayName: 'large', customSettings: [{ name: 'a', value: 'x'.repeat(5 * 1024 * 1024) }] };
  await refused(t, ['POST', POLICIES, large], 413, 'RequestEntityTooLarge', /4194304 bytes/);
  const fits = { ...large, customSettings: [{ name: 'a', value: 'x'.repeat(3 * 1024 * 1024) }] };
  const { status, body } = await graph('POST', POLICIES, fits);
  t.equal(status, 201);
  t.equal((await graph('DELETE', `${POLICIES}/${body.id}`)).status, 204);
});

t.test('members that only the service sets', async (t) => {
  const { body } = await graph('GET', SITES);
  const [site] = body.value as [Record<string, unknown>];
  for (const changes of [{ id: 'A_1' }, { upgradeAvailable: true }]) {
    await refused(t, ['PATCH', `${SITES}/${site.id}`, changes], 400, 'BadRequest', /is read-only and cannot be set/);
  }
  const whole = Object.fromEntries(Object.entries(site).filter(([name]) => !name.startsWith('@')));
  t.equal((await graph('PATCH', `${SITES}/${site.id}`, whole)).status, 200, 'what was read may be sent back');
  const made = await graph('POST', POLICIES, { displayName: 'a', id: 'mine', version: '7', createdDateTime: 'x' });
  t.equal(made.status, 201);
  t.not(made.body.id, 'mine', 'what a new object says of them is ignored');
  await refused(t, ['PATCH', `${POLICIES}/${made.body.id}`, { isAssigned: true }], 400, 'BadRequest', /read-only/);
  const { body: apps } = await graph('GET', '/v1.0/applications');
  const [app] = apps.value as [{ id: string }];
  await refused(t, ['PATCH', `/v1.0/applications/${app.id}`, { appId: 'x' }], 400, 'Request_BadRequest', /read-only/);
  t.equal((await graph('DELETE', `${POLICIES}/${made.body.id}`)).status, 204);
});

t.test('certificates of the wrong kind', async (t) => {
  const { ca } = await testCertificates();
  const { keyPem: key } = await testLeaf('vpn.localhost');
  const profile = (trustedRootCertificate: string) => ({
    '@odata.type': '#microsoft.graph.iosTrustedRootCertificate',
    displayName: 'root',
    certFileName: 'root.cer',
    trustedRootCertificate,
  });
  const base64 = (text: string | Buffer) => Buffer.from(text).toString('base64');
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['not base64!', /base64/],
    [ca.certPem, /base64/],
    [base64('hello'), /not an X\.509 certificate/],
    [base64(key), /a private key/],
    [base64(`${ca.certPem}\n${ca.certPem}`), /a chain of certificates/],
    [base64('-----BEGIN CERTIFICATE REQUEST-----\nAA==\n'), /a certificate request/],
    [base64(Buffer.from('3082100002010330820f', 'hex')), /PKCS #12/],
    [base64(Buffer.alloc(70_000)), /longer than/],
  ];
  for (const [value, message] of wrong)
    await refused(t, ['POST', PROFILES, profile(value)], 400, 'BadRequest', message);
  await refused(t, ['POST', PROFILES, { ...profile('AA=='), trustedRootCertificate: null }], 400, 'BadRequest', /null/);
  const { status, body } = await graph('POST', PROFILES, profile(base64(ca.certPem)));
  t.equal(status, 201, 'PEM that was encoded once more is taken');
  await refused(
    t,
    ['PATCH', `${PROFILES}/${body.id}`, { trustedRootCertificate: base64(key) }],
    400,
    'BadRequest',
    /key/,
  );
  t.equal((await graph('DELETE', `${PROFILES}/${body.id}`)).status, 204);
});

t.test('groups that contain each other in a circle', async (t) => {
  const make = async (displayName: string) => String((await graph('POST', '/v1.0/groups', { displayName })).body.id);
  const [a, b, c] = [await make('a'), await make('b'), await make('c')];
  const put = (group: string, member: string) =>
    [
      'POST',
      `/v1.0/groups/${group}/members/$ref`,
      { '@odata.id': `https://graph.microsoft.com/v1.0/directoryObjects/${member}` },
    ] as const;
  t.equal((await graph(...put(a, b))).status, 204);
  t.equal((await graph(...put(b, c))).status, 204);
  await refused(t, put(c, a), 400, 'Request_BadRequest', /a member of itself/);
  await refused(t, put(a, a), 400, 'Request_BadRequest', /a member of itself/);
  await refused(t, put(a, b), 400, 'Request_BadRequest', /already exist/);
  await refused(t, put(a, '0f3f2a86-5a5c-4b5e-9d5f-0000000000ff'), 404, 'Request_ResourceNotFound', /0000000000ff/);
  await refused(t, ['POST', `/v1.0/groups/${a}/members/$ref`, {}], 400, 'BadRequest', /address/);
  await refused(
    t,
    ['PATCH', `/v1.0/groups/${c}`, { 'members@odata.bind': [`https://graph.microsoft.com/v1.0/groups/${a}`] }],
    400,
    'Request_BadRequest',
    /a member of itself/,
  );
});

t.test('assignments that name nobody', async (t) => {
  const { body } = await graph('POST', POLICIES, { displayName: 'a' });
  const path = `${POLICIES}/${body.id}`;
  const target = (type: string, more = {}) => ({ assignments: [{ target: { '@odata.type': type, ...more } }] });
  await refused(t, ['POST', `${path}/assign`, {}], 400, 'BadRequest', /needs a list/);
  await refused(t, ['POST', `${path}/assign`, { assignments: [{}] }], 400, 'BadRequest', /'target'/);
  await refused(
    t,
    ['POST', `${path}/assign`, target('#microsoft.graph.cat')],
    400,
    'BadRequest',
    /microsoft.graph.cat/,
  );
  await refused(
    t,
    ['POST', `${path}/assign`, target('#microsoft.graph.groupAssignmentTarget', { groupId: 'everyone' })],
    400,
    'BadRequest',
    /GUID of a group/,
  );
  await refused(
    t,
    ['POST', `${path}/assign`, { assignments: Array.from({ length: 1001 }, () => ({})) }],
    400,
    'BadRequest',
    /at most 1000/,
  );
});

t.test('the store has room for so much, and no more', async (t) => {
  const { objects: other } = await (await start(t)).intune();
  const value = 'x'.repeat(1_000_000);
  const make = () =>
    other.create('targetedManagedAppConfigurations', { displayName: 'a', customSettings: [{ name: 'a', value }] });
  let made = 0;
  t.throws(
    () => {
      for (; made < 200; made++) make();
    },
    { status: 507, code: 'InsufficientStorage' },
  );
  t.ok(made > 50 && made < 70);
  const { id } = other.store.objects<{ id: string }>('targetedManagedAppConfigurations')[0]!;
  other.remove('targetedManagedAppConfigurations', id);
  t.ok(make(), 'what was removed makes room');
});

t.test('no fault of ours was behind any of it', async (t) => {
  const faults = sim.journal.query({ name: 'graph.refused' }).filter(({ fields }) => Number(fields.status) >= 500);
  t.strictSame(faults, []);
});
