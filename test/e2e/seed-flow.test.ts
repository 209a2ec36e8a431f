import { X509Certificate } from 'node:crypto';
import t, { type Test } from 'tap';
import { TUNNEL_RESOURCE_ID } from '../../src/entra/index.ts';
import type { SeedPolicies } from '../../src/intune/index.ts';
import { testCertificates, testLeaf } from '../support/certificates.ts';
import { graphClient } from '../support/graph.ts';
import { ALICE, LOB, makePolicies, managedApp } from '../support/policies.ts';
import { start } from '../support/running-simulator.ts';

/*
 * The whole flow of Tunnel for MAM, from the policies to the page: what the admin makes over Graph, what the app gets, actions 0 to 4b, and
 * what the user sees when a policy is missing or says something wrong.
 */

t.setTimeout(240_000);

const PAGE = 'https://intranet.contoso.internal/';
const HTML = { headers: { accept: 'text/html' } };

async function lab(t: Test, config: Parameters<typeof start>[1] = {}) {
  const sim = await start(t, config);
  return { sim, graph: await graphClient(t, sim) };
}

type Lab = Awaited<ReturnType<typeof lab>>;

/** A value of the app configuration policy, to be changed before it is created. */
const setting =
  (key: string, value: string | undefined) =>
  ({ appConfiguration: { body } }: SeedPolicies): void => {
    const settings = body.customSettings as { name: string; value: string }[];
    const i = settings.findIndex(({ name }) => name === key);
    if (i >= 0) settings.splice(i, 1);
    if (value !== undefined) settings.push({ name: key, value });
  };

t.test('policies are made, and the page is shown: each action in the journal', async (t) => {
  const { sim, graph } = await lab(t);
  await makePolicies(sim, graph);
  const made = sim.journal.query({ name: 'intune.changed', fields: { change: 'created' } });
  t.strictSame(
    made.map(({ fields }) => fields.set),
    ['groups', 'deviceConfigurations', 'targetedManagedAppConfigurations', 'iosManagedAppProtections'],
  );
  const { findings } = { findings: await (await sim.intune()).lint() };
  t.strictSame(findings, [], 'nothing would fail in the field');

  const mark = sim.journal.mark();
  const app = managedApp(t, sim);
  t.match(await app.launch(ALICE), { tunnel: 'connected', why: /the SDK starts it with the app/ });
  const { status, body, tls } = await app.fetch(PAGE, HTML);
  t.equal(status, 200);
  t.match(body.toString(), /intranet/i);
  t.ok(tls, 'the root certificate of the policy makes the page trusted');

  const first = async (query: Parameters<typeof sim.journal.waitFor>[0] & object) =>
    sim.journal.waitFor({ ...query, since: mark });
  const actions = [
    // 0: the app starts, and has what is meant for it.
    await first({ name: 'intune.delivered', fields: { app: LOB, conflicts: 0 } }),
    await first({ name: 'tls.connect' }),
    // 1: a token is needed.
    await first({ name: 'identity.token.issued', fields: { audience: 'Microsoft Tunnel Gateway' } }),
    // 2: it is presented, inside TLS.
    await first({ name: 'auth.accepted' }),
    await first({ name: 'session.connect' }),
  ];
  const ids = actions.map(({ seq }) => seq);
  t.ok(ids[0]! < ids[1]!, 'no gateway is asked before the policy came');
  t.ok(ids[2]! < ids[3]! && ids[3]! < ids[4]!);
  // 3: the data channel; it may be ready before or after the page is asked for.
  await first({ name: 'channel.dtls.open' });
  // 4a: the connect request; 4b: the web request, whose TLS ends at the page.
  const request = await first({ name: 'resource.request', fields: { protocol: 'tcp', decision: 'allow' } });
  t.ok(request.seq > ids[4]!);
  sim.journal.expectNoProblems({ since: mark });
});

t.test('with a token that another app has got already, Entra ID is not asked (action 1a)', async (t) => {
  const { sim, graph } = await lab(t);
  await makePolicies(sim, graph);
  const token = await sim.token({ user: ALICE.username });
  const mark = sim.journal.mark();
  const app = managedApp(t, sim, { token: () => token });
  t.match(await app.launch(ALICE), { tunnel: 'connected' });
  const audience = { audience: 'Microsoft Tunnel Gateway' };
  t.equal(sim.journal.count({ name: 'identity.token.issued', fields: audience, since: mark }), 0);
});

t.test('without UDP the page comes over TLS (action 3)', async (t) => {
  const { sim, graph } = await lab(t, { gateway: { disableUdp: true } });
  await makePolicies(sim, graph);
  const app = managedApp(t, sim);
  t.match(await app.launch(ALICE), { tunnel: 'connected' });
  t.equal((await app.fetch(PAGE, HTML)).status, 200);
  t.equal(app.sdk!.client!.channel, 'tls');
  t.equal(sim.journal.count({ name: 'channel.dtls.open' }), 0);
});

/** Launches the app, and looks at what its user sees. */
async function sees(
  t: Test,
  { sim }: Lab,
  outcome: { readonly tunnel: string; readonly why: RegExp; readonly code?: string },
  options: Parameters<typeof managedApp>[2] = {},
) {
  const app = managedApp(t, sim, options);
  t.match(await app.launch(ALICE), outcome);
  return app;
}

t.test('each policy missing in turn', async (t) => {
  await t.test('the app configuration policy: no tunnel, and the page cannot be found', async (t) => {
    const made = await lab(t);
    await makePolicies(made.sim, made.graph, { without: ['appConfiguration'] });
    const app = await sees(t, made, {
      tunnel: 'not asked',
      why: /No app configuration policy applies to com\.contoso\.lob/,
    });
    await t.rejects(app.fetch(PAGE), { code: 'ERR_CLIENT_FETCH' });
    t.equal(made.sim.journal.count({ name: 'auth.challenge' }), 0, 'the gateway never hears of it');
  });
  await t.test('the app protection policy: the configuration does not reach the app', async (t) => {
    const made = await lab(t);
    await makePolicies(made.sim, made.graph, { without: ['appProtection'] });
    const app = await sees(t, made, {
      tunnel: 'not asked',
      why: /No app protection policy applies to com\.contoso\.lob on iOS/,
    });
    await t.rejects(app.fetch(PAGE), { code: 'ERR_CLIENT_FETCH' });
    t.match(
      (await (await made.sim.intune()).lint()).map(({ rule }) => rule),
      ['protection-missing'],
    );
  });
  await t.test('the trusted certificate profile: there is a tunnel, and the page is not trusted', async (t) => {
    const made = await lab(t);
    await makePolicies(made.sim, made.graph, {
      without: ['trustedRoot'],
      change: setting('com.microsoft.tunnel.trusted_root_certificates', undefined),
    });
    const app = await sees(t, made, { tunnel: 'connected', why: /tunnel is open/ });
    await t.rejects(app.fetch(PAGE), { message: /certificate|self-signed|issuer/i });
    t.equal((await app.fetch('http://intranet.contoso.internal/', HTML)).status, 200, 'what needs no trust is shown');
  });
});

t.test('each policy with something wrong in it', async (t) => {
  const address = 'com.microsoft.tunnel.server_address';
  const cases: readonly (readonly [
    string,
    (policies: SeedPolicies) => void,
    { tunnel: string; why: RegExp; code?: string },
    string,
  ])[] = [
    [
      'an address with a scheme',
      setting(address, 'https://localhost:8443'),
      { tunnel: 'failed', why: /host:port/ },
      'server-address-form',
    ],
    [
      'no address',
      setting(address, undefined),
      { tunnel: 'failed', why: /server_address is missing/ },
      'server-address-missing',
    ],
    [
      'an address with a space at its end',
      (policies) => {
        const settings = policies.appConfiguration.body.customSettings as { name: string; value: string }[];
        setting(address, `${settings.find(({ name }) => name === address)!.value} `)(policies);
      },
      { tunnel: 'failed', why: /host:port/ },
      'value-spaces',
    ],
    [
      'a key that is misspelled',
      (policies) => {
        setting(address, undefined)(policies);
        setting('com.microsoft.tunnel.server_adress', 'localhost:8443')(policies);
      },
      { tunnel: 'failed', why: /server_address is missing/ },
      'key-unknown',
    ],
    [
      'another connection type',
      setting('com.microsoft.tunnel.connection_type', 'AnyConnect'),
      { tunnel: 'failed', why: /must be MicrosoftProtect/ },
      'connection-type',
    ],
    [
      'the bundle id of another app in the app protection policy',
      ({ appProtection }) =>
        Object.assign(appProtection.body, {
          apps: [
            {
              mobileAppIdentifier: {
                '@odata.type': '#microsoft.graph.iosMobileAppIdentifier',
                bundleId: 'com.contoso.lab',
              },
            },
          ],
        }),
      { tunnel: 'not asked', why: /No app protection policy applies/ },
      'protection-missing',
    ],
    [
      'a policy for enrolled devices',
      ({ appConfiguration }) => Object.assign(appConfiguration.body, { targetedAppManagementLevels: 'mdm' }),
      { tunnel: 'not asked', why: /devices of the type mdm, and this one is unmanaged/ },
      'enrolled-only',
    ],
    [
      'a policy that is assigned to nobody',
      ({ appConfiguration }) => Object.assign(appConfiguration.body, { assignments: [] }),
      { tunnel: 'not asked', why: /assigned to no one/ },
      'unassigned',
    ],
    [
      'a root certificate that is none',
      setting(
        'com.microsoft.tunnel.trusted_root_certificates',
        '[{"displayName":"x","trustedRootCertificate":"AAAA"}]',
      ),
      { tunnel: 'failed', why: /has no certificate in trustedRootCertificate/ },
      'root-unreadable',
    ],
  ];
  const made = await lab(t);
  for (const [what, change, outcome, rule] of cases) {
    await t.test(what, async (t) => {
      await makePolicies(made.sim, made.graph, { change });
      t.ok(
        (await (await made.sim.intune()).lint()).some((finding) => finding.rule === rule),
        `lint finds it: ${rule}`,
      );
      await sees(t, made, outcome);
      await made.sim.reset();
    });
  }
});

t.test(
  'a trusted certificate profile with another certificate: there is a tunnel, and the page is not trusted',
  async (t) => {
    const made = await lab(t);
    const cases = [
      ['a CA that issued nothing here', (await testCertificates()).ca.certPem, []],
      ['a certificate of no CA', (await testLeaf('intranet.contoso.internal')).certPem, ['root-not-ca', 'root-not-ca']],
    ] as const;
    for (const [what, pem, rules] of cases) {
      const trustedRootCertificate = new X509Certificate(pem).raw.toString('base64');
      await makePolicies(made.sim, made.graph, {
        change: (policies) => {
          Object.assign(policies.trustedRoot.body, { trustedRootCertificate });
          const item = [{ displayName: 'other', trustedRootCertificate }];
          setting('com.microsoft.tunnel.trusted_root_certificates', JSON.stringify(item))(policies);
        },
      });
      const found = (await (await made.sim.intune()).lint()).map(({ rule }) => rule);
      t.strictSame(found, rules, `${what}: in the profile, and in the policy that has its copy`);
      const app = await sees(t, made, { tunnel: 'connected', why: /tunnel is open/ });
      await t.rejects(app.fetch(PAGE), { message: /certificate|self-signed|issuer/i }, what);
      t.equal((await app.fetch('http://intranet.contoso.internal/', HTML)).status, 200);
      await app.close();
      await made.sim.reset();
    }
  },
);

t.test('what Entra ID is missing', async (t) => {
  await t.test('no service principal of the gateway: no token', async (t) => {
    const made = await lab(t);
    await makePolicies(made.sim, made.graph);
    const { body } = await made.graph('GET', `/v1.0/servicePrincipals(appId='${TUNNEL_RESOURCE_ID}')`);
    t.equal((await made.graph('DELETE', `/v1.0/servicePrincipals/${body.id}`)).status, 204);
    await sees(t, made, { tunnel: 'failed', why: /no token/ });
    made.sim.journal.expect({ name: 'identity.token.refused', fields: { code: 500011 } });
    t.ok((await (await made.sim.intune()).lint()).some(({ rule }) => rule === 'service-principal'));
  });
  await t.test('no permission for app management: no policies', async (t) => {
    const made = await lab(t);
    await makePolicies(made.sim, made.graph);
    const wrong = () =>
      import('../../src/client/index.ts').then(async ({ appConfiguration }) =>
        appConfiguration({
          authority: made.sim.urls.authority,
          token: await made.sim.token({ user: ALICE.username }),
          app: LOB,
          platform: 'ios',
          ca: made.sim.ca,
        }),
      );
    await sees(
      t,
      made,
      { tunnel: 'failed', why: /Microsoft Mobile Application Management is needed/, code: 'ERR_CLIENT_POLICY' },
      { policies: wrong },
    );
  });
});

t.test('a PAC file of the policy is fetched in the tunnel, and says which requests take the proxy', async (t) => {
  const pac = { proxy: 'proxy.contoso.internal:3128', exclusions: ['files.contoso.internal'] };
  const made = await lab(t, { services: { pac } });
  const { sim } = made;
  await makePolicies(sim, made.graph, {
    change: setting('com.microsoft.tunnel.proxy_pacurl', 'http://pac.contoso.internal/proxy.pac'),
  });
  t.strictSame(await (await sim.intune()).lint(), []);
  const app = await sees(t, made, { tunnel: 'connected', why: /tunnel is open/ });
  const mark = sim.journal.mark();
  t.equal((await app.fetch(PAGE, HTML)).status, 200, 'through the proxy, by CONNECT');
  sim.journal.expect({ name: 'service.request', fields: { host: 'pac.contoso.internal', path: '/proxy.pac' } });
  const page = { host: 'intranet.contoso.internal:443', method: 'CONNECT' };
  await sim.journal.waitFor({ name: 'proxy.request', fields: page, since: mark });
  await sim.journal.waitFor({ name: 'resource.request', fields: { host: 'proxy.contoso.internal' }, since: mark });
  t.equal((await app.fetch('http://files.contoso.internal/')).status < 500, true);
  await sim.journal.waitFor({ name: 'resource.request', fields: { host: 'files.contoso.internal' }, since: mark });
  t.equal(
    sim.journal.count({ name: 'proxy.request', fields: { host: 'files.contoso.internal', method: 'GET' } }),
    0,
    'DIRECT',
  );
  await app.close();

  await sim.reset();
  await makePolicies(sim, made.graph, {
    change: setting('com.microsoft.tunnel.proxy_pacurl', 'http://nowhere.contoso.internal/proxy.pac'),
  });
  const other = await sees(t, made, { tunnel: 'connected', why: /tunnel is open/ });
  await t.rejects(other.fetch(PAGE), { code: 'ERR_CLIENT_PROXY', message: /nowhere\.contoso\.internal/ });
});

t.test('Android: the app protection policy starts the tunnel, and a PAC file is for Edge alone', async (t) => {
  const android = { app: 'com.contoso.lob', platform: 'android' } as const;
  const made = await lab(t);
  await makePolicies(made.sim, made.graph, {
    ...android,
    change: setting('com.microsoft.tunnel.proxy_pacurl', 'http://nowhere.contoso.internal/proxy.pac'),
  });
  const app = await sees(t, made, { tunnel: 'connected', why: /starts it with the app/ }, android);
  t.equal((await app.fetch(PAGE, HTML)).status, 200, 'the file is not asked for');
  await app.close();
  await made.sim.reset();
  await makePolicies(made.sim, made.graph, {
    ...android,
    change: ({ appProtection }) => Object.assign(appProtection.body, { connectToVpnOnLaunch: false }),
  });
  const other = await sees(t, made, { tunnel: 'not asked', why: /connectToVpnOnLaunch/ }, android);
  t.match(await other.connect(), { tunnel: 'connected', why: /the user requested it/ });
});

t.test('Edge: identity switch and strict mode', async (t) => {
  const edge = { app: 'com.microsoft.msedge', platform: 'ios' } as const;
  const made = await lab(t);
  const browser = 'com.microsoft.intune.mam.managedbrowser.';
  await makePolicies(made.sim, made.graph, {
    ...edge,
    change: (policies) => {
      setting(`${browser}TunnelAvailable.IntuneMAMOnly`, 'True')(policies);
      setting(`${browser}StrictTunnelMode`, 'True')(policies);
    },
  });
  const mark = made.sim.journal.mark();
  const app = managedApp(t, made.sim, edge);
  const personal = { username: 'me@example.com', kind: 'personal' } as const;
  t.match(await app.launch(personal), { tunnel: 'not asked', why: /personal account/ });
  t.equal(made.sim.journal.count({ name: 'auth.challenge', since: mark }), 0);
  t.match(await app.switchTo(ALICE), { tunnel: 'connected', why: /identity switch is on/ });
  t.equal((await app.fetch(PAGE, HTML)).status, 200);
  t.match(await app.switchTo(personal), { tunnel: 'not asked' });
  await made.sim.journal.waitFor({ name: 'session.disconnect', since: mark });
  t.notOk(app.connected);
  await app.switchTo(ALICE);
  await app.disconnect();
  await t.rejects(app.fetch(PAGE), { code: 'ERR_CLIENT_STRICT', message: /strict mode is on/ });
});
