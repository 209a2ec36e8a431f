import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { packReport, Redactor, type Report, readReport, serveReport, unpackReport } from '../../src/report/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import {
  assertAccessible,
  assertUnharmed,
  browserPage,
  complaintsOf,
  EVIL,
  goTo,
  VIEWS,
  visit,
} from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';
import { picture } from '../support/pictures.ts';
import { connect, start } from '../support/running-simulator.ts';

// Somebody else's report in the dashboard: what they saw, and nothing to press.

t.setTimeout(300_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });

/** Buttons that are there all the same: they look at something. */
const LOOKS = /^(?:Download HAR|Download|Earlier|Download the capture|Download the metrics)$/;

async function shown(t: Test, report: Report) {
  const server = await serveReport(report);
  t.teardown(() => server.close());
  const page = await browserPage(t);
  const complaints = complaintsOf(page);
  const asked: { readonly method: string; readonly url: URL }[] = [];
  page.on('request', (request) => asked.push({ method: request.method(), url: new URL(request.url()) }));
  await visit(page, server.dashboardLink());
  await page.locator('.state', { hasText: 'report of' }).waitFor();
  return { server, page, complaints, asked };
}

async function assertNothingToPress(t: Test, page: Page, where: string): Promise<void> {
  const buttons = await page.locator('button.act').allTextContents();
  t.strictSame(
    buttons.filter((text) => !LOOKS.test(text.trim())),
    [],
    `${where}: no button changes anything`,
  );
}

t.test(
  'a report shows in every view what its instance showed, offers nothing to change, and asks nobody else',
  { skip },
  async (t) => {
    const sim = await start(t, { gateway: { dpd: 3 } });
    await sim.capture();
    const { client, id } = await connect(t, sim);
    await sim.journal.waitFor({ name: 'channel.dtls.open' });
    await client.fetch('http://intranet.contoso.internal/whoami');
    const tenant = (await (await ask(sim.admin, '/api/directory/tenants')).json()) as { id: string }[];
    const users = `/api/directory/tenants/${tenant[0]!.id}/users`;
    const [alice] = (await (await ask(sim.admin, users)).json()) as { id: string }[];
    await ask(sim.admin, `${users}/${alice!.id}`, 'PATCH', { locked: true });
    await ask(sim.admin, '/api/outages/token', 'PUT', { status: 503 });
    await ask(sim.admin, '/api/profiles/lossy', 'PUT');
    sim.faults.add({ name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } });
    const file = join(t.testdir(), 'report.tar.gz');
    writeFileSync(file, await sim.report());
    await client.close();
    await sim.close();

    const { page, complaints, asked, server } = await shown(t, await readReport(file));
    for (const view of [...VIEWS, `session/${id}`]) {
      await goTo(page, view);
      await seen[view.split('/')[0] as keyof typeof seen](t, page);
      await assertNothingToPress(t, page, view);
      await assertAccessible(t, page, view);
      await picture(page, `report-${view.split('/')[0]}`);
    }
    for (const { method, url } of asked) {
      t.equal(url.origin, new URL(server.url).origin, url.href);
      t.ok(method === 'GET' || url.pathname === '/dashboard/session', `${method} ${url.pathname}`);
    }
    await goTo(page, 'sessions');
    await page.getByText('alice@contoso.com').first().waitFor();
    const before = asked.length;
    await page.clock.install();
    await page.clock.fastForward('02:00:00');
    await page.evaluate('document.dispatchEvent(new Event("visibilitychange"))');
    await page.clock.fastForward('00:10');
    t.equal(asked.length, before, 'time does not pass in a report, and nothing is asked again');
    t.strictSame(
      complaints.filter((text) => !/404/.test(text)),
      [],
    );

    const stranger = await page.context().newPage();
    await visit(stranger, server.url);
    await stranger.getByText('This page shows a report').waitFor();
    await stranger.getByLabel('The secret').fill(server.secret);
    await stranger.getByRole('button', { name: 'Open' }).click();
    await stranger.locator('.state', { hasText: 'report of' }).waitFor();
  },
);

function ask(
  { url, secret }: { readonly url: string; readonly secret: string },
  path: string,
  method = 'GET',
  body?: object,
) {
  return fetch(`${url}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${secret}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

const seen = {
  async sessions(t: Test, page: Page) {
    const row = page.locator('.list-sessions .list-body .row').first();
    await row.waitFor();
    t.match(await row.textContent(), /alice@contoso\.com.*DTLS is up/);
  },
  async session(t: Test, page: Page) {
    await page.locator('svg .span.solid.tone-dtls').first().waitFor();
    await page.getByRole('region', { name: 'In plain words' }).waitFor();
    await page.getByLabel('Search events of this session').fill('auth.accepted');
    await page.locator('.list-events .row .mono', { hasText: 'auth.accepted' }).waitFor();
    t.notMatch(await page.locator('.how').textContent(), /CLI/, 'commands ask a running instance');
  },
  async traffic(t: Test, page: Page) {
    await page.locator('.list-counters .list-body .row').first().waitFor();
    t.match(await page.locator('main').textContent(), /no-udp/);
  },
  async requests(t: Test, page: Page) {
    await page.locator('.list-requests .list-body .row').first().click();
    await page
      .locator('.panel')
      .getByRole('heading', { name: /GET http:\/\/intranet/ })
      .waitFor();
    const [har] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download HAR' }).click(),
    ]);
    t.equal(har.suggestedFilename(), 'tunnelite-requests.har');
  },
  async journal(t: Test, page: Page) {
    await page.getByLabel('Search the journal').fill('session.connect');
    await page.locator('.list-journal .list-body .row').first().waitFor();
    t.equal(await page.getByText('Follow').count(), 0);
  },
  async faults(t: Test, page: Page) {
    t.match(await page.locator('.rules').first().textContent(), /lossy\.1.*no-udp|no-udp.*lossy\.1/);
    t.match(await page.locator('main').textContent(), /network profile lossy/);
    t.equal(await page.locator('textarea').count(), 0);
  },
  async directory(t: Test, page: Page) {
    const row = page.locator('.list-users .row', { hasText: 'alice@contoso.com' });
    await row.getByText('locked').waitFor();
    t.equal(await row.getByText('disabled').count(), 0, 'only what is so is said');
    await page.locator('main', { hasText: 'disturbedtoken' }).waitFor();
    t.equal(await page.locator('main input:not([type=search])').count(), 0);
  },
  async policies(t: Test, page: Page) {
    await page.getByText('No app has asked for its policies yet').waitFor();
    const row = page.locator('.list-policies .list-body .row').first();
    await row.waitFor();
    t.equal(await page.locator('main input:not([type=search])').count(), 0);
    await row.locator('a').click();
    await page.getByRole('heading', { name: 'As Microsoft Graph has it' }).waitFor();
    t.equal(await page.locator('main textarea').count(), 0);
  },
  async tokens(_: Test, page: Page) {
    await page.getByText('A report has no token in it').waitFor();
  },
  async setup(t: Test, page: Page) {
    await page.getByRole('heading', { name: 'Configuration' }).waitFor();
    t.match(await page.locator('main').textContent(), /"dpd": 3/);
    await page.getByRole('region', { name: 'The last client' }).waitFor();
    const [capture] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download the capture' }).click(),
    ]);
    t.equal(capture.suggestedFilename(), 'tunnelite-report.pcapng');
  },
} satisfies Record<(typeof VIEWS)[number] | 'session', (t: Test, page: Page) => Promise<void>>;

/** A report whose parts are well-formed and none of them what it should be. */
async function hostile(answers: Record<string, unknown>): Promise<Report> {
  const session = 'a1b2c3';
  const text = (name: string, fields: Record<string, unknown>, i: number) => ({
    ...{ seq: i + 2, time: [1_700_000_000_000, 1e300, -1e300, 0][i % 4]!, name, level: 'info', text: EVIL },
    fields: { session, user: EVIL, signInName: EVIL, remote: EVIL, ...fields },
  });
  const events = [
    text('session.connect', { address4: { a: EVIL }, mtu: EVIL, agent: [EVIL] }, 0),
    text('auth.accepted', { tenant: null, client: 7 }, 1),
    text('auth.refused', { reason: {}, explanation: [EVIL] }, 2),
    text('channel.switch', { from: 1, to: null, reason: { toString: 1 } }, 3),
    text('channel.dtls.open', { cipher: { a: 1 } }, 4),
    text('resource.request', { request: { a: 1 }, host: { b: EVIL }, destination: 5, decision: 7, protocol: [] }, 5),
    text('resource.end', { request: null, outcome: 1e300, milliseconds: EVIL, bytesIn: EVIL, began: EVIL }, 6),
    text('fault.injected', { rule: null, hit: EVIL }, 7),
    text('dns.query', { question: { a: EVIL }, outcome: [] }, 8),
    text('session.disconnect', { reason: 5, kind: {}, milliseconds: EVIL }, 9),
  ] as never;
  const packed = await packReport({
    manifest: { version: EVIL, node: EVIL, platform: EVIL, createdAt: -8.64e15 },
    events,
    answers: new Map(Object.entries(answers)),
    metrics: EVIL,
    redactor: new Redactor([]),
  });
  return unpackReport(packed);
}

const ADDRESSES = [
  ...['status', 'sessions', 'gateway', 'faults', 'profiles', 'clock', 'config', 'failures', 'outages', 'resources'],
  ...['directory/tenants', 'directory/tenants/t1/users', 'resources/requests.har'],
].map((name) => `/api/${name}`);
const WRONG: Readonly<Record<string, unknown>> = {
  'nothing at all': undefined,
  null: null,
  'a list of nulls': [null, null],
  'an object that has everything wrong': {
    ...{ sessions: [{ id: 'a1b2c3', username: EVIL, userAgent: 5, bytesIn: EVIL, createdAt: [] }, null] },
    ...{ counters: { [EVIL]: EVIL, tunnels: null }, state: { a: 1 }, rules: [null, { name: 5, rule: 7, notes: EVIL }] },
    ...{ active: [EVIL], offset: EVIL, mode: 5, log: { entries: [null, { _request: 'x' }] }, endpoints: EVIL },
  },
};

for (const [what, answer] of Object.entries(WRONG)) {
  t.test(`a report whose answers are ${what} is shown as far as it goes, and runs nothing`, { skip }, async (t) => {
    const answers = answer === undefined ? {} : Object.fromEntries(ADDRESSES.map((address) => [address, answer]));
    const { page, complaints } = await shown(t, await hostile(answers));
    for (const view of [...VIEWS, 'session/a1b2c3']) {
      await goTo(page, view);
      await assertUnharmed(t, page, view);
      await assertNothingToPress(t, page, view);
    }
    t.strictSame(
      complaints.filter((text) => !/status of (?:404|500)/.test(text)),
      [],
    );
  });
}
