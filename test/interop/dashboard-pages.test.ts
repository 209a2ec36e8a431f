import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { readReport } from '../../src/report/index.ts';
import { assertAccessible, assertCommand, goTo, openDashboard, VIEWS, visit, wordsOf } from '../support/dashboard.ts';
import { DASHBOARD_LAB_PROGRAMS, dashboardLab, INTRANET } from '../support/dashboard-lab.ts';
import { skipUnless } from '../support/interop.ts';
import { assertRequest, type OpenApi } from '../support/openapi.ts';
import { picture } from '../support/pictures.ts';

// Every page of the dashboard beside a stock openconnect: what it shows, what axe finds, and how else each thing can be done.

t.setTimeout(300_000);
const skip = skipUnless({ programs: DASHBOARD_LAB_PROGRAMS });

/** What the strip at the foot says for the view and for each button that does something, those that cannot be pressed now among them. */
async function waysOf(t: Test, page: Page): Promise<string[]> {
  const found: string[] = [];
  const read = async (what: string) => {
    const lines = await page.locator('.how .how-line').all();
    const ways = await Promise.all(
      lines.map(async (line) => {
        return `${await line.locator('.how-kind').textContent()} ${await line.locator('code').textContent()}`;
      }),
    );
    t.strictSame(
      ways.map((one) => one.split(' ')[0]),
      ['CLI', 'REST'],
      `${what} can be done by command and by request`,
    );
    found.push(...ways);
  };
  await read(new URL(page.url()).hash);
  for (const button of await page.locator('.act').all()) {
    const name = (await button.getAttribute('aria-label')) ?? (await button.textContent()) ?? '';
    if (name === 'Close' || (await button.getAttribute('type')) === 'submit') continue;
    await button.dispatchEvent('mouseenter');
    await read(name);
  }
  return found;
}

t.test('every page shows what it is for, and has no fault that axe finds, light and dark', { skip }, async (t) => {
  const { sim, page, complaints, tunnel } = await dashboardLab(t);
  await tunnel.fetch(`${INTRANET}/whoami`);
  await tunnel.fetch(`${INTRANET}/hello?x='a b'`).catch(() => undefined);
  await visit(page, sim.admin.url);
  await page.getByText('Or paste the secret').waitFor();
  await assertAccessible(t, page, 'sign-in');
  await openDashboard(page, sim);
  const ways = new Set<string>();
  for (const view of VIEWS) {
    await goTo(page, view);
    await look[view](t, page);
    await assertAccessible(t, page, view);
    await picture(page, `view-${view}`);
    for (const one of await waysOf(t, page)) ways.add(one);
  }
  const { id } = sim.sessions.list()[0]!;
  await goTo(page, `session/${id}`);
  await page.getByRole('button', { name: 'Disconnect' }).waitFor();
  for (const one of await waysOf(t, page)) ways.add(one);
  const commands = [...ways].filter((one) => one.startsWith('CLI ')).map((one) => one.slice(4));
  const requests = [...ways].filter((one) => one.startsWith('REST ')).map((one) => one.slice(5));
  t.ok(commands.length >= 60, `${commands.length} commands`);
  for (const one of commands) await t.resolves(assertCommand(wordsOf(one)), one);
  t.ok(requests.length >= 50, `${requests.length} requests`);
  const document = (await (await fetch(`${sim.admin.url}/api/openapi.json`)).json()) as OpenApi;
  for (const one of requests) t.doesNotThrow(() => assertRequest(document, one), one);
  t.strictSame(
    complaints.filter((text) => !/404/.test(text)),
    [],
  );
});

const look: Readonly<Record<(typeof VIEWS)[number], (t: Test, page: Page) => Promise<void>>> = {
  async sessions(t, page) {
    await page.getByLabel('Search sessions').fill('nobody');
    await page.getByText('No session is like that.').waitFor();
    await page.getByLabel('Search sessions').fill('alice');
    t.equal(await page.locator('.list-sessions .list-body .row').count(), 1);
    await page.getByLabel('Search sessions').fill('');
  },
  async traffic(t, page) {
    await page.locator('.chart canvas').first().waitFor();
    t.equal(await page.locator('.chart canvas').count(), 3);
    await page.getByLabel('Search counters').fill('bytesIn');
    t.match(await page.locator('.list-counters .list-body .row').first().textContent(), /bytesIn/);
    await page.getByLabel('Search counters').fill('');
  },
  async requests(t, page) {
    await page.getByLabel('Search connect requests').fill('intranet');
    await page.locator('.list-requests .list-body .row').first().click();
    const panel = page.locator('.panel');
    await panel
      .getByRole('heading', { name: /GET http:\/\/intranet/ })
      .first()
      .waitFor();
    t.match(await panel.locator('pre').last().textContent(), /^curl .*http:\/\/intranet\.contoso\.internal\//);
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download HAR' }).click(),
    ]);
    t.equal(download.suggestedFilename(), 'tunnelite-requests.har');
  },
  async journal(t, page) {
    await page.getByLabel('Search the journal').fill('session.connect');
    const row = page.locator('.list-journal .list-body .row').first();
    await row.click();
    await page.locator('.panel').getByText("The session's timeline").waitFor();
    t.match(await page.locator('.panel').textContent(), /address4/);
  },
  async faults(t, page) {
    await page.getByRole('button', { name: 'Add: Hold DTLS handshakes' }).click();
    await page.getByRole('button', { name: 'Release all' }).waitFor();
    await page.getByRole('button', { name: 'Use lossy' }).click();
    await page.getByRole('button', { name: 'In use: lossy' }).waitFor();
    t.match(await page.locator('.rules').first().textContent(), /hold-hellos.*lossy\.1/);
    await page.getByLabel('The rule, as JSON').fill('{');
    await page.getByText('It is not JSON yet').waitFor();
    await page.getByLabel('The rule, as JSON').fill('{"name":"mine","on":{"seam":"dns"},"then":{"do":"nxdomain"}}');
    await page.getByRole('button', { name: 'Add the rule' }).click();
    await page.getByRole('button', { name: 'Remove mine' }).waitFor();
  },
  async directory(t, page) {
    await page.getByRole('button', { name: 'locked: alice@contoso.com' }).click();
    await page.locator('[aria-label="locked: alice@contoso.com"][aria-pressed=true]').waitFor();
    await page.getByLabel('Of whom').fill('alice@contoso.com');
    await page.getByRole('button', { name: 'Order the failure' }).click();
    await page.getByText('AADSTS50076').first().waitFor();
    t.equal(await page.getByRole('button', { name: 'Forget the failure 50076' }).count(), 1);
  },
  async policies(t, page) {
    await page.getByLabel('Search policies').fill('nothing is called so');
    await page.getByText('No policy is like that.').waitFor();
    await page.getByLabel('Search policies').fill('server configuration');
    t.equal(await page.locator('.list-policies .list-body .row').count(), 1);
    await page.getByLabel('Search policies').fill('');
    await page.getByLabel('App', { exact: true }).fill('com.contoso.lob');
    await page.getByRole('button', { name: 'Look', exact: true }).click();
    await page.getByText('No app configuration policy applies to com.contoso.lob').waitFor();
  },
  async tokens(t, page) {
    await page.getByLabel('What is wrong with it').selectOption('expired');
    await page.getByRole('button', { name: 'Make it' }).click();
    await page.getByText('The gateway would refuse it (expired)').waitFor();
    t.match(await page.locator('tr.fails').textContent(), /times.*failed.*exp/);
    await picture(page, 'dashboard-tokens');
    const token = await page.getByRole('textbox', { name: 'A token' }).inputValue();
    await page.getByRole('textbox', { name: 'A token' }).fill(`Authorization: Bearer ${token.slice(0, -4)}AAAA\n`);
    await page.getByText('No known key has signed this token').waitFor();
    await page.getByRole('textbox', { name: 'A token' }).fill('not a token');
    await page.getByText(/would refuse it \(malformed\)/).waitFor();
  },
  async setup(t, page) {
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the CA' }).click(),
    ]);
    t.equal(download.suggestedFilename(), 'tunnelite-ca.pem');
    const [report] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download a report' }).click(),
    ]);
    t.match(await readReport(await report.path()), { manifest: { format: 1 } });
    t.match(await page.locator('main').textContent(), /openconnect --protocol=anyconnect --http-auth=Bearer/);
  },
};
