import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { readReport } from '../../src/report/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import {
  assertAccessible,
  assertCommand,
  browserPage,
  complaintsOf,
  goTo,
  openDashboard,
  VIEWS,
  visit,
  wordsOf,
} from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';
import { assertRequest, type OpenApi } from '../support/openapi.ts';
import { picture } from '../support/pictures.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

// A person with a browser, and a stock openconnect that they look at.

t.setTimeout(300_000);
const skip = skipUnless({ programs: [...CHROMIUM_NEEDS, ...SOCKS_TUNNEL_PROGRAMS] });
const LONG = { timeout: 100_000 };
const INTRANET = 'http://intranet.contoso.internal';

async function lab(t: Test) {
  const sim = await startSimulator({ gateway: { dpd: 3 } });
  t.teardown(() => sim.close());
  const page = await browserPage(t, { ca: sim.ca });
  const complaints = complaintsOf(page);
  const tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  return { sim, page, complaints, tunnel };
}

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

t.test('openconnect is seen to fall back when UDP is blocked by a click, and to return', { skip }, async (t) => {
  const { sim, page, complaints, tunnel } = await lab(t);
  await openDashboard(page, sim);
  t.equal(new URL(page.url()).hash, '#/sessions', 'the code is taken out of the address');
  const row = page.locator('.list-sessions .list-body .row').first();
  await row.getByText('DTLS', { exact: true }).waitFor();
  t.match(await row.textContent(), /alice@contoso\.com.*DTLS is up.*Open AnyConnect VPN Agent/);
  await tunnel.fetch(`${INTRANET}/whoami`);
  await picture(page, 'dashboard-sessions');

  const mark = sim.journal.mark();
  await page.getByRole('button', { name: 'Block UDP' }).click();
  await page.getByRole('button', { name: 'UDP is blocked' }).waitFor();
  t.match(await page.getByRole('status').first().textContent(), /UDP is blocked/);
  t.match(await page.locator('.how').textContent(), /tunnelite fault .*no-udp/, 'the strip says how else');
  await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' }, since: mark }, LONG);
  t.ok(sim.faults.get('no-udp').hits() > 0);
  await row.getByText('TLS', { exact: true }).waitFor();
  // Events come once a second.
  await row.getByText(/fell back to TLS/).waitFor();
  t.match((await tunnel.fetch(`${INTRANET}/whoami`)).toString(), /alice/);

  await row.getByRole('link').click();
  await page.locator('svg .span.solid.tone-cstp').first().waitFor();
  t.ok((await page.locator('svg .span.solid.tone-dtls').count()) > 0, 'data went over DTLS before');
  t.ok((await page.locator('svg .mark.tone-fault').count()) > 0, 'the faults are on their lane');
  await page.getByLabel('Search events of this session').fill('channel.switch cstp');
  const told = page.locator('.list-events .list-body .row', { hasText: 'cstp instead of dtls' }).first();
  await told.waitFor();
  await told.click();
  await page.getByRole('region', { name: 'The chosen event' }).getByText('cstp').first().waitFor();
  await page.getByLabel('Search events of this session').fill('');
  for (const lane of ['TLS, HTTP', 'Token', 'CONNECT', 'CSTP', 'DTLS', 'Data goes over', 'Flows', 'Faults']) {
    t.ok(await page.locator('svg .lane-label', { hasText: lane }).first().isVisible(), lane);
  }
  for (const name of [
    'tls.connect',
    'http.request',
    'auth.challenge',
    'auth.accepted',
    'session.connect',
    'channel.dtls.flight',
    'channel.dtls.open',
  ]) {
    await page.getByLabel('Search events of this session').fill(name);
    await page.locator('.list-events .row .mono', { hasText: name }).first().waitFor();
  }
  await page.getByLabel('Search events of this session').fill('');
  const whole = await page.locator('.timeline-span').textContent();
  await page.getByRole('button', { name: 'How it connected' }).click();
  t.not(await page.locator('.timeline-span').textContent(), whole, 'it can be zoomed');
  await page.getByLabel(/^Timeline: arrow keys/).press('End');
  await assertAccessible(t, page, 'a session');
  await page.getByRole('region', { name: 'In plain words' }).waitFor();
  t.match(await page.getByRole('region', { name: 'In plain words' }).textContent(), /UDP/);
  await page.getByRole('button', { name: 'Capture', exact: true }).click();
  await page.locator('.act[aria-pressed=true]', { hasText: 'Capture' }).waitFor();
  await tunnel.fetch(`${INTRANET}/whoami`);
  const [captured] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Capture', exact: true }).click(),
  ]);
  t.match(captured.suggestedFilename(), /^[a-z0-9]{6}\.pcapng$/);
  const block = readFileSync(await captured.path()).subarray(0, 4);
  t.equal(block.toString('hex'), '0a0d0d0a', 'a section header of pcapng');
  await page.getByRole('button', { name: 'Dismiss the message' }).click();
  await picture(page, 'dashboard-session', { height: 1040, narrow: true });

  const freed = sim.journal.mark();
  await page.getByRole('button', { name: 'UDP is blocked' }).click();
  await page.getByRole('button', { name: 'Block UDP' }).waitFor();
  await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'dtls' }, since: freed }, { timeout: 200_000 });
  await page.locator('.summary').getByText('DTLS', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: 'Disconnect' }).click();
  await page.getByText('This session is over').waitFor();
  t.equal(sim.sessions.list().length, 0);
  t.strictSame(
    complaints.filter((text) => !/404/.test(text)),
    [],
  );
});

t.test('every page shows what it is for, and has no fault that axe finds, light and dark', { skip }, async (t) => {
  const { sim, page, complaints, tunnel } = await lab(t);
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
