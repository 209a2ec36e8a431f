import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import {
  assertAccessible,
  assertUnharmed,
  browserPage,
  complaintsOf,
  EVIL,
  goTo,
  openDashboard,
} from '../support/dashboard.ts';
import { graphClient } from '../support/graph.ts';
import { skipUnless } from '../support/interop.ts';
import { picture } from '../support/pictures.ts';
import { ALICE, LOB, makePolicies, managedApp } from '../support/policies.ts';

// An administrator with a browser, an app that gets what was made, and Graph beside both.

t.setTimeout(300_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });

async function lab(t: Test) {
  const sim = await startSimulator();
  t.teardown(() => sim.close());
  const page = await browserPage(t, { ca: sim.ca });
  const complaints = complaintsOf(page);
  await openDashboard(page, sim);
  return { sim, page, complaints, graph: await graphClient(t, sim) };
}

const step = (page: Page, name: string) => page.locator('.steps').getByRole('button', { name, exact: true }).click();
const says = (page: Page, text: string | RegExp) => page.getByRole('status').filter({ hasText: text }).waitFor();

async function create(page: Page, what: string): Promise<void> {
  await goTo(page, 'policies');
  await page.getByLabel('What to create').selectOption({ label: what });
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('heading', { name: `Create: ${what}` }).waitFor();
}

async function addApp(page: Page): Promise<void> {
  await step(page, 'Apps');
  await page.getByLabel('Bundle or package ID').fill(LOB);
  await page.getByRole('button', { name: 'Add the app' }).click();
  await page.getByRole('list', { name: 'Custom apps' }).getByText(LOB).waitFor();
}

t.test('the three policies are made step by step, and bring the tunnel to an app', { skip }, async (t) => {
  const { sim, page, complaints, graph } = await lab(t);

  await create(page, 'Trusted certificate profile');
  await page.getByLabel('Name').fill('Root');
  await page.getByRole('button', { name: 'Next' }).click();
  const file = join(t.testdir({ 'root.pem': sim.ca }), 'root.pem');
  await page.getByLabel('Certificate file').setInputFiles(file);
  await page.getByText('root.pem: MII').waitFor();
  await step(page, 'Review + create');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await says(page, 'Root is created.');

  await create(page, 'App configuration policy');
  await page.getByLabel('Name').fill('Tunnel for the LOB app');
  await addApp(page);
  await step(page, 'Settings');
  await page.getByLabel('Connection name').fill('mam-tunnel-vpn');
  await page.getByLabel('Select a Site').selectOption({ label: 'Tunnelite' });
  const { host } = new URL(sim.urls.gateway);
  t.equal(await page.getByLabel(/^Server address/).inputValue(), host, 'the site gives the address');
  await page.getByRole('checkbox', { name: 'Root' }).check();
  await page.getByRole('button', { name: 'Add a setting' }).click();
  await page.getByLabel('Name 1').fill('com.contoso.colour');
  await page.getByLabel('Value 1').fill('red');
  await assertAccessible(t, page, 'the settings of a policy');
  await picture(page, 'dashboard-policy-settings');
  await step(page, 'Assignments');
  await page.getByLabel('Name of the group').fill('Tunnel users');
  await page.getByLabel('First member').selectOption({ label: ALICE.username });
  await page.getByRole('button', { name: 'Make the group' }).click();
  await says(page, 'The group Tunnel users is there.');
  await page.getByLabel('Group', { exact: true }).locator('option', { hasText: 'Tunnel users' }).waitFor({
    state: 'attached',
  });
  await page.getByRole('button', { name: 'Assign', exact: true }).click();
  await page.getByRole('list', { name: 'Included and excluded' }).getByText('Tunnel users').waitFor();
  await step(page, 'Review + create');
  const review = (await page.locator('main').textContent()) ?? '';
  for (const words of ['Use Microsoft Tunnel for MAMYes', 'Connection namemam-tunnel-vpn', 'SiteTunnelite']) {
    t.ok(review.includes(words), words);
  }
  t.match(review, /"name": "com\.microsoft\.tunnel\.connection_type"/, 'the JSON that results');
  await assertAccessible(t, page, 'the review of a policy');
  const sent = page.waitForRequest((request) => request.method() === 'POST' && request.url().includes('/objects/'));
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const body = (await sent).postDataJSON() as Record<string, unknown>;
  await says(page, 'Tunnel for the LOB app is created.');
  await page.getByText('No app protection policy').first().waitFor();
  t.match(
    await page.locator('main').textContent(),
    /app protection policy.*protection-missing/i,
    'what is missing is told',
  );

  const path = '/beta/deviceAppManagement/targetedManagedAppConfigurations?$expand=apps,assignments';
  const { value } = (await graph('GET', path)).body as { value: Record<string, unknown>[] };
  t.match(value, [{ displayName: 'Tunnel for the LOB app', customSettings: body.customSettings }]);
  t.match(value[0], { apps: [{ mobileAppIdentifier: { bundleId: LOB } }], isAssigned: true });
  const same = await graph('POST', path.split('?')[0]!, body);
  t.equal(same.status, 201, 'the same JSON is what Graph takes');
  await graph('DELETE', `${path.split('?')[0]}/${same.body.id}`);

  await create(page, 'App protection policy, iOS/iPadOS');
  await page.getByLabel('Name').fill('Protection');
  await addApp(page);
  await step(page, 'Assignments');
  await page.getByRole('button', { name: 'Assign', exact: true }).click();
  await step(page, 'Review + create');
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  await says(page, 'Protection is created.');

  await goTo(page, 'policies');
  await page.getByText('No problems found.').waitFor();
  t.strictSame(await (await sim.intune()).lint(), []);
  const app = managedApp(t, sim);
  t.match(await app.launch(ALICE), { tunnel: 'connected' });
  t.equal((await app.fetch('https://intranet.contoso.internal/')).status, 200, 'the root certificate reached the app');
  const asked = page.getByRole('group', { name: 'What apps got' });
  await asked.getByText(LOB).waitFor();
  t.match(
    await asked.textContent(),
    /alice@contoso\.com.*iOS\/iPadOS, unmanaged.*6 settings.*is what it would get now/,
  );
  await page.getByLabel('App', { exact: true }).fill(LOB);
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await page.getByRole('group', { name: 'Settings' }).getByText('com.contoso.colour').waitFor();
  t.match(await page.locator('.how').textContent(), /tunnelite intune deliver alice@contoso\.com com\.contoso\.lob/);
  await assertAccessible(t, page, 'policies');
  await picture(page, 'dashboard-policies');
  t.strictSame(complaints, []);
});

t.test(
  'a policy is changed and deleted, what would fail is told, and what apps have is out of date',
  { skip },
  async (t) => {
    const { sim, page, complaints, graph } = await lab(t);
    const ids = await makePolicies(sim, graph);
    await managedApp(t, sim).launch(ALICE);
    const place = `policy/targetedManagedAppConfigurations/${ids.appConfiguration}`;
    await goTo(page, place);
    const { object } = (await sim.intune()).objects.get('targetedManagedAppConfigurations', ids.appConfiguration);
    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await step(page, 'Review + save');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await says(page, 'is saved.');
    const kept = (await sim.intune()).objects.get('targetedManagedAppConfigurations', ids.appConfiguration).object;
    const pairs = (one: typeof object) =>
      (one.customSettings as { name: string; value: string }[]).map(({ name, value }) => `${name}=${value}`).toSorted();
    t.strictSame(pairs(kept), pairs(object), 'what nobody changed stays as it was written');
    t.strictSame(kept.assignments, object.assignments);
    t.strictSame(kept.apps, object.apps);

    await page.getByRole('button', { name: 'Edit', exact: true }).click();
    await step(page, 'Settings');
    await page.getByLabel(/^Server address/).fill('https://192.0.2.1');
    await step(page, 'Review + save');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    const finding = page.locator('.finding', { hasText: 'server-address-form' });
    await finding.waitFor();
    t.match(await finding.textContent(), /Write host:port/, 'and what to do');
    await assertAccessible(t, page, 'a policy');
    await picture(page, 'dashboard-policy');
    await goTo(page, 'policies');
    await page.getByText('policies changed since').waitFor();
    await page
      .locator('.list-policies .row', { hasText: `Tunnel for ${LOB}` })
      .getByText(/finding/)
      .waitFor();

    await goTo(page, place);
    await page.getByLabel('Members to change, as JSON').fill('{"colour":"red"}');
    await page.getByRole('button', { name: 'Change', exact: true }).click();
    await says(page, /'colour' does not exist.*ERR_INTUNE_DOCUMENT/);
    const [site] = (await sim.intune()).objects.store.list('microsoftTunnelSites');
    await goTo(page, `policy/microsoftTunnelSites/${site!.object.id}`);
    await page.getByText('Public IP address or FQDN').waitFor();
    await page.locator('#main').getByRole('button', { name: 'Delete', exact: true }).click();
    await says(page, /cannot be deleted.*belongs to it/);
    await assertAccessible(t, page, 'a site');
    await goTo(page, place);
    await page.locator('#main').getByRole('button', { name: 'Delete', exact: true }).click();
    await says(page, `Tunnel for ${LOB} is deleted.`);
    await page.locator('main.view-policies').waitFor();
    await page.locator('.list-policies .row', { hasText: `Tunnel for ${LOB}` }).waitFor({ state: 'detached' });
    sim.journal.expect({ name: 'intune.changed', fields: { change: 'removed', id: ids.appConfiguration } });
    await goTo(page, place);
    await page.getByText('There is no such policy').waitFor();
    t.strictSame(
      complaints.filter((text) => !/ 4\d\d /.test(text)),
      [],
    );
  },
);

t.test('hostile names, keys and values are texts in every step', { skip }, async (t) => {
  const { sim, page, complaints } = await lab(t);
  const intune = await sim.intune();
  const group = intune.create('groups', { displayName: EVIL, description: EVIL });
  const app = { mobileAppIdentifier: { '@odata.type': '#microsoft.graph.iosMobileAppIdentifier', bundleId: EVIL } };
  const target = { '@odata.type': '#microsoft.graph.groupAssignmentTarget', groupId: group.id };
  const names = { displayName: EVIL, description: EVIL };
  const policy = intune.create('targetedManagedAppConfigurations', {
    ...names,
    apps: [app],
    assignments: [{ target }],
    customSettings: [
      { name: 'com.microsoft.tunnel.server_address', value: EVIL },
      { name: 'com.microsoft.tunnel.trusted_root_certificates', value: `[${JSON.stringify(EVIL)}]` },
      { name: 'com.microsoft.tunnel.connection_type', value: EVIL },
      { name: EVIL, value: EVIL },
      { name: '__proto__', value: EVIL },
    ],
  });
  intune.create('iosManagedAppProtections', { ...names, apps: [app], assignments: [{ target }] });
  const site = intune.create('microsoftTunnelSites', { ...names, publicAddress: `javascript:${EVIL}` });
  await sim.identity.directory.defaultTenant.users.add({ userPrincipalName: 'mallory@contoso.com', displayName: EVIL });
  intune.deliver({ user: 'mallory@contoso.com', app: EVIL, platform: 'ios' });
  await goTo(page, 'policies');
  await page.locator('main', { hasText: 'img src=x' }).waitFor();
  await page.getByLabel('App', { exact: true }).fill(EVIL);
  await page.getByRole('button', { name: 'Look', exact: true }).click();
  await page.locator('.summary-line', { hasText: 'img src=x' }).first().waitFor();
  await assertUnharmed(t, page, 'policies');
  await goTo(page, `policy/targetedManagedAppConfigurations/${policy.id}`);
  await page.locator('.facts', { hasText: 'img src=x' }).first().waitFor();
  await assertUnharmed(t, page, 'the policy');
  await page.getByRole('button', { name: 'Edit', exact: true }).click();
  for (const name of ['Basics', 'Apps', 'Settings', 'Assignments', 'Review + save']) {
    await step(page, name);
    await assertUnharmed(t, page, name);
  }
  await goTo(page, `policy/microsoftTunnelSites/${site.id}`);
  await page.locator('.facts', { hasText: 'img src=x' }).first().waitFor();
  await assertUnharmed(t, page, 'the site');
  for (const argument of ['new/__proto__', '__proto__/x', 'constructor/constructor', `groups/${EVIL}`, '']) {
    await goTo(page, `policy/${encodeURIComponent(argument).replaceAll('%2F', '/')}`);
    await page.locator('main h1').waitFor();
    await assertUnharmed(t, page, argument);
  }
  t.strictSame(complaints, []);
});
