import t, { type Test } from 'tap';
import { graphClient } from '../../support/graph.ts';
import { connect, start } from '../../support/running-simulator.ts';

const CA_POLICY = {
  displayName: 'MAM Tunnel for the LOB app',
  apps: [
    { mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: 'com.contoso.lob' } },
  ],
  customSettings: [{ name: 'com.microsoft.tunnel.connection_type', value: 'MicrosoftProtect' }],
};

async function lab(t: Test) {
  const sim = await start(t);
  return { sim, graph: await graphClient(t, sim) };
}

t.test('the site of the simulator is there, with its configuration and its server', async (t) => {
  const { sim, graph } = await lab(t);
  const { status, body } = await graph('GET', '/beta/deviceManagement/microsoftTunnelSites');
  t.equal(status, 200);
  t.match(body, { value: [{ displayName: 'Tunnelite', publicAddress: 'localhost', upgradeAutomatically: true }] });
  t.match(body['@odata.context'], /\/beta\/\$metadata#deviceManagement\/microsoftTunnelSites$/);
  const [site] = body.value as { id: string }[];
  const { body: configuration } = await graph(
    'GET',
    `/beta/deviceManagement/microsoftTunnelSites/${site!.id}/microsoftTunnelConfiguration`,
  );
  t.match(configuration, { network: '169.254.0.0/16', listenPort: sim.gateway.port, routeIncludes: ['10.20.0.0/16'] });
  const { body: servers } = await graph(
    'GET',
    `/beta/deviceManagement/microsoftTunnelSites('${site!.id}')/microsoftTunnelServers`,
  );
  t.match(servers, { value: [{ tunnelServerHealthStatus: 'healthy', deploymentMode: 'standaloneRootful' }] });
  await sim.gateway.stop();
  const { body: stopped } = await graph(
    'GET',
    `/beta/deviceManagement/microsoftTunnelSites/${site!.id}?$expand=microsoftTunnelServers`,
  );
  t.match(stopped, { microsoftTunnelServers: [{ tunnelServerHealthStatus: 'offline' }] });
});

t.test('policies are created, listed, changed and removed', async (t) => {
  const { sim, graph } = await lab(t);
  const path = '/beta/deviceAppManagement/targetedManagedAppConfigurations';
  const { status, body: made } = await graph('POST', path, CA_POLICY);
  t.equal(status, 201);
  t.match(made, { '@odata.type': '#microsoft.graph.targetedManagedAppConfiguration', id: /^A_[0-9a-f-]{36}$/ });
  t.match(made, { version: /^"[0-9a-f-]{36}"$/, isAssigned: false, customSettings: CA_POLICY.customSettings });
  t.notOk('apps' in made, 'relationships are shown when they are asked for');
  t.equal((await graph('PATCH', `${path}/${made.id}`, { description: 'changed' })).status, 200);
  const target = {
    '@odata.type': '#microsoft.graph.groupAssignmentTarget',
    groupId: '0f3f2a86-5a5c-4b5e-9d5f-000000000001',
  };
  t.strictSame(await graph('POST', `${path}/${made.id}/assign`, { assignments: [{ target }] }), {
    status: 204,
    body: {},
  });
  const { body: shown } = await graph('GET', `${path}/${made.id}?$expand=apps,assignments`);
  t.match(shown, { description: 'changed', isAssigned: true, apps: [{ id: 'com.contoso.lob.ios' }] });
  t.match(shown, { assignments: [{ target }] });
  t.not(shown.version, made.version, 'a change has a version of its own');
  t.match((await graph('GET', `${path}/${made.id}/apps`)).body, { value: CA_POLICY.apps });
  t.match((await graph('GET', '/v1.0/deviceAppManagement/managedAppPolicies')).body, { value: [{ id: made.id }] });
  t.equal((await graph('DELETE', `${path}/${made.id}`)).status, 204);
  t.match(await graph('GET', `${path}/${made.id}`), { status: 404, body: { error: { code: 'ResourceNotFound' } } });
  const changes = sim.journal.query({ name: 'intune.changed' }).map(({ fields }) => fields.change);
  t.strictSame(changes, ['created', 'changed', 'changed', 'removed']);
});

t.test('names of members are taken whatever their case, as scripts write them', async (t) => {
  const { graph } = await lab(t);
  const { body } = await graph('POST', '/beta/deviceManagement/microsoftTunnelConfigurations', {
    DisplayName: 'pascal',
    ListenPort: 443,
    DnsServers: ['10.20.0.53'],
    Network: '172.30.0.0/16',
    AdvancedSettings: [],
    SplitDns: [],
    RoleScopeTagIds: ['0'],
  });
  t.match(body, { displayName: 'pascal', network: '172.30.0.0/16', splitDNS: [] });
  const site = await graph('POST', '/beta/deviceManagement/microsoftTunnelSites', {
    DisplayName: 'other',
    PublicAddress: 'vpn.contoso.com',
    MicrosoftTunnelConfiguration: { id: body.id },
    UpgradeAutomatically: true,
  });
  t.equal(site.status, 201);
  const filtered = await graph(
    'GET',
    "/beta/deviceManagement/microsoftTunnelSites?$filter=displayName eq 'other'&$select=displayName",
  );
  t.strictSame(
    (filtered.body.value as object[]).map((each) => Object.keys(each).sort()),
    [['@odata.type', 'displayName']],
  );
  const refused = await graph('DELETE', `/beta/deviceManagement/microsoftTunnelConfigurations/${body.id}`);
  t.match(refused, { status: 400, body: { error: { message: /the site 'other' uses it/ } } });
});

t.test('lists come in pages, with a link to the next one', async (t) => {
  const { sim, graph } = await lab(t);
  const { objects } = await sim.intune();
  for (let i = 0; i < 250; i++) objects.create('groups', { displayName: `group ${String(i).padStart(3, '0')}` });
  const seen: string[] = [];
  let next: string | undefined = '/v1.0/groups?$orderby=displayName desc&$count=true&$select=displayName';
  while (next !== undefined) {
    const { body }: Awaited<ReturnType<typeof graph>> = await graph('GET', next);
    t.equal(body['@odata.count'], 250);
    seen.push(...(body.value as { displayName: string }[]).map(({ displayName }) => displayName));
    next = body['@odata.nextLink'] as string | undefined;
    if (next !== undefined) t.match(next, new URL(sim.urls.authority).origin);
  }
  t.equal(seen.length, 250);
  t.strictSame(seen, [...new Set(seen)].sort().reverse());
  const top = await graph('GET', '/v1.0/groups?$top=3&$skip=10');
  t.equal((top.body.value as object[]).length, 3);
});

t.test('a changed server configuration reaches new sessions, and a reset takes it back', async (t) => {
  const { sim, graph } = await lab(t);
  const { body } = await graph('GET', '/beta/deviceManagement/microsoftTunnelConfigurations');
  const [{ id }] = body.value as [{ id: string }];
  const { client: before } = await connect(t, sim);
  const path = `/beta/deviceManagement/microsoftTunnelConfigurations/${id}`;
  const advancedSettings = [{ name: 'session-timeout', value: '300' }];
  t.equal((await graph('PATCH', path, { advancedSettings, routeIncludes: ['10.20.0.0/24'] })).status, 200);
  t.equal(sim.config.gateway.sessionTimeout, 300);
  const { client: later } = await connect(t, sim);
  t.match(later.configuration, { sessionTimeout: 300, routesInclude: [/^10\.20\.0\.0\//] }, 'a new session is told');
  sim.journal.expect({ name: 'intune.configuration.applied', fields: { needsRestart: '' } });
  t.ok(before.connected, 'a session that is there goes on');
  t.equal(before.configuration.sessionTimeout, 3600);
  t.equal((await graph('PATCH', path, { advancedSettings: [] })).status, 200);
  t.equal(sim.config.gateway.sessionTimeout, 3600, 'as before, when nobody says');
  t.strictSame(sim.config.gateway.routesInclude, ['10.20.0.0/24']);
  t.equal((await graph('PATCH', path, { listenPort: 444, disableUdpConnections: true })).status, 200);
  sim.journal.expect({
    name: 'intune.configuration.applied',
    fields: { needsRestart: 'gateway.disableUdp, gateway.port' },
  });
  const refused = await graph('PATCH', path, { network: '10.0.0.0/99' });
  t.match(refused, { status: 400, body: { error: { code: 'BadRequest', message: /gateway\.network/ } } });
  t.equal((await graph('GET', path)).body.network, '169.254.0.0/16');
  await sim.reset();
  t.strictSame(sim.config.gateway.routesInclude, ['10.20.0.0/16']);
  t.match((await graph('GET', path)).body, { listenPort: sim.gateway.port, advancedSettings: [] });
});

t.test('a site that gets another configuration, and gets its own back, is what new sessions see', async (t) => {
  const { sim, graph } = await lab(t);
  const sites = '/beta/deviceManagement/microsoftTunnelSites';
  const configurations = '/beta/deviceManagement/microsoftTunnelConfigurations';
  const [site] = (await graph('GET', `${sites}?$expand=microsoftTunnelConfiguration`)).body.value as [
    { id: string; microsoftTunnelConfiguration: { id: string } },
  ];
  const own = site.microsoftTunnelConfiguration;
  const { body: other } = await graph('POST', configurations, {
    displayName: 'Other',
    dnsServers: ['10.20.0.53'],
    defaultDomainSuffix: 'other.contoso.internal',
    advancedSettings: [{ name: 'session-timeout', value: '600' }],
  });
  t.equal(sim.config.gateway.sessionTimeout, 3600, 'a configuration of no site changes nothing');
  const { client: before } = await connect(t, sim);
  t.equal(
    (await graph('PATCH', `${sites}/${site.id}`, { microsoftTunnelConfiguration: { id: other.id } })).status,
    200,
  );
  const { client: during } = await connect(t, sim);
  t.match(during.configuration, { sessionTimeout: 600, defaultDomain: 'other.contoso.internal' });
  t.match(before.configuration, { sessionTimeout: 3600 }, 'a session that is there goes on as it was');
  t.ok(before.connected);
  t.match(await graph('DELETE', `${configurations}/${other.id}`), {
    status: 400,
    body: { error: { message: /the site 'Tunnelite' uses it/ } },
  });
  const ref = { '@odata.id': `https://graph.microsoft.com${configurations}/${own.id}` };
  t.equal((await graph('PUT', `${sites}/${site.id}/microsoftTunnelConfiguration/$ref`, ref)).status, 204);
  const { client: after } = await connect(t, sim);
  t.match(after.configuration, { sessionTimeout: 3600 });
  t.equal((await graph('DELETE', `${configurations}/${other.id}`)).status, 204);
});

t.test('apps and service principals are those that sign-in goes by', async (t) => {
  const { sim, graph } = await lab(t);
  const { body: app } = await graph('POST', '/v1.0/applications', {
    displayName: 'Made over Graph',
    signInAudience: 'AzureADMyOrg',
    publicClient: { redirectUris: ['msauth.com.contoso.other://auth'] },
    optionalClaims: { accessToken: [{ name: 'acct', essential: false }] },
    requiredResourceAccess: [
      {
        resourceAppId: '3678c9e9-9681-447a-974d-d19f668fcd88',
        resourceAccess: [{ id: 'eb539595-3fe1-474e-9c1d-feb3625d1be5', type: 'Scope' }],
      },
    ],
  });
  const kept = sim.identity.directory.defaultTenant.applications.get(String(app.appId));
  t.match(kept, { optionalClaims: ['acct'], permissions: [{ scopes: ['Tunnel_Allow'] }] });
  t.match((await graph('GET', `/v1.0/applications(appId='${app.appId}')`)).body, { id: app.id });
  const { body: principals } = await graph(
    'GET',
    "/v1.0/servicePrincipals?$filter=appId eq '3678c9e9-9681-447a-974d-d19f668fcd88'",
  );
  const [principal] = principals.value as [{ id: string }];
  t.match(principal, { displayName: 'Microsoft Tunnel Gateway' });
  t.equal((await graph('DELETE', `/v1.0/servicePrincipals/${principal.id}`)).status, 204);
  t.match(await graph('POST', '/v1.0/servicePrincipals', { appId: '3678c9e9-9681-447a-974d-d19f668fcd88' }), {
    status: 201,
    body: { id: principal.id },
  });
  t.equal((await graph('POST', '/v1.0/servicePrincipals', { appId: app.appId })).status, 201);
  t.match((await graph('GET', '/v1.0/me')).body, { userPrincipalName: 'alice@contoso.com' });
});
