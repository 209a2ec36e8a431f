import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import { browserPage, goTo, openDashboard, until, visit } from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';

t.setTimeout(300_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });
/** Elements of a page that shows a list of any length. */
const BOUND = 1_500;

async function open(t: Test, config: object = {}) {
  const sim = await startSimulator(config);
  t.teardown(() => sim.close());
  const page = await browserPage(t, { ca: sim.ca });
  const elements = () => page.evaluate<number>('document.querySelectorAll("*").length');
  return { sim, page, elements };
}

t.test('5,000 sessions are a list of which the rows in view are there', { skip }, async (t) => {
  const { sim, page, elements } = await open(t);
  const sessions = Array.from({ length: 5000 }, (_, i) => ({
    id: `s${String(i).padStart(5, '0')}`,
    state: 'connected',
    username: `user-${i}`,
    signInName: `user${i}@contoso.com`,
    remoteAddress: `192.0.2.${i % 250}`,
    userAgent: 'Open AnyConnect VPN Agent v9.01',
    address4: `169.254.${i >> 8}.${i & 255}`,
    mtu: 1400,
    dataChannel: i % 3 === 0 ? 'cstp' : 'dtls',
    createdAt: 0,
    connectedAt: 0,
    bytesIn: i,
    bytesOut: 5000 - i,
  }));
  await page.route('**/api/sessions', (route) => route.fulfill({ json: { sessions } }));
  await openDashboard(page, sim);
  await page.locator('.list-sessions .row', { hasText: 's00000' }).waitFor();
  t.match(await page.locator('main').textContent(), /5\u202f000 sessions, data of 3333 over DTLS and of 1667 over TLS/);
  t.ok((await elements()) < BOUND, `${await elements()} elements`);
  const list = page.getByRole('grid', { name: 'Sessions' });
  t.equal(await list.getAttribute('aria-rowcount'), '5001');
  await list.focus();
  await list.press('End');
  await page.locator('.list-sessions .row.active', { hasText: 's04999' }).waitFor();
  t.ok((await elements()) < BOUND);
  await list.press('PageUp');
  await list.press('ArrowUp');
  t.equal(await page.locator('.list-sessions .row.active').count(), 1);
  await page.getByRole('button', { name: 'In', exact: true }).click();
  await page.getByRole('button', { name: 'In', exact: true }).click();
  await list.press('Home');
  await page.locator('.list-sessions .row', { hasText: 's04999' }).waitFor();
  await page.getByLabel('Search sessions').fill('user4321@');
  await page.locator('.list-sessions .row', { hasText: 's04321' }).waitFor();
  t.equal(await page.locator('.list-sessions .list-body .row').count(), 1);
  await list.focus();
  await list.press('Home');
  await list.press('Enter');
  await page.locator('main.view-session h1', { hasText: 's04321' }).waitFor();
});

t.test('100,000 events are a list of which the rows in view are there', { skip }, async (t) => {
  const { sim, page, elements } = await open(t, { journal: { capacity: 120_000 } });
  for (let i = 0; i < 100_000; i++) sim.emit('tls.probe', { remote: `192.0.2.1:${i}`, withheld: 0 });
  await openDashboard(page, sim);
  await goTo(page, 'journal');
  const list = page.getByRole('grid', { name: 'Events of the journal' });
  await page.locator('.list-journal .row', { hasText: '192.0.2.1:99999' }).waitFor();
  const count = async () => Number(await list.getAttribute('aria-rowcount')) - 1;
  while ((await count()) < 100_000) {
    const before = await count();
    await page.getByRole('button', { name: 'Earlier', exact: true }).click();
    await until(page, `Number(document.querySelector('.list-journal').getAttribute('aria-rowcount')) - 1 > ${before}`);
  }
  t.ok((await elements()) < BOUND, `${await elements()} elements`);
  await page.getByRole('checkbox', { name: 'Follow' }).uncheck();
  await list.focus();
  await list.press('Home');
  await page.locator('.list-journal .row.active').waitFor();
  t.ok((await elements()) < BOUND);
  await page.getByLabel('Search the journal').fill('192.0.2.1:54321 ');
  await page.locator('.list-journal .row', { hasText: '192.0.2.1:54321' }).waitFor();
  t.equal(await page.locator('.list-journal .list-body .row').count(), 1);
  await page.getByLabel('Search the journal').fill('');
  for (let i = 0; i < 30_000; i++) sim.emit('tls.probe', { remote: `198.51.100.1:${i}`, withheld: 0 });
  await page.getByLabel('Search the journal').fill('198.51.100.1:29999');
  await page.locator('.list-journal .row', { hasText: '198.51.100.1:29999' }).waitFor();
  await page.getByLabel('Search the journal').fill('');
  await until(page, `Number(document.querySelector('.list-journal').getAttribute('aria-rowcount')) - 1 <= 100_000`);
  t.ok((await count()) > 80_000, 'the oldest have been let go, and no more');
});

t.test('a browser that slept for an hour goes on where it was, and says what it has missed', { skip }, async (t) => {
  const { sim, page } = await open(t, { journal: { capacity: 1000 } });
  await page.clock.install();
  const streams: string[] = [];
  page.on('request', (request) => {
    if (request.url().includes('/stream')) streams.push(request.url());
  });
  await openDashboard(page, sim);
  await goTo(page, 'journal');
  sim.emit('tls.probe', { remote: '192.0.2.1:1', withheld: 0 });
  await page.locator('.list-journal .row', { hasText: '192.0.2.1:1 ' }).waitFor();
  t.equal(streams.length, 1);
  await page.clock.fastForward('01:00:00');
  await until(page, 'document.querySelector(".state .dot").textContent === "live"');
  sim.emit('tls.probe', { remote: '192.0.2.2:2', withheld: 0 });
  await page.locator('.list-journal .row', { hasText: '192.0.2.2:2 ' }).waitFor();
  t.equal(streams.length, 2, 'the connection was made anew');
  t.match(streams[1], /since=\d+&pace=1$/);
  t.equal(await page.locator('.list-journal .row', { hasText: '192.0.2.1:1 ' }).count(), 1, 'nothing is there twice');

  await page.route('**/api/journal/stream*', (route) => route.abort());
  await page.clock.fastForward('01:00:00');
  await page.getByText('connection lost, trying again').waitFor();
  for (let i = 0; i < 3000; i++) sim.emit('tls.probe', { remote: `192.0.2.3:${i}`, withheld: 0 });
  await page.unroute('**/api/journal/stream*');
  await page.clock.fastForward('00:10');
  await page.getByText('live', { exact: true }).waitFor();
  await page.getByText(/\d+ events missed/).waitFor();
  await page.locator('.list-journal .row', { hasText: '192.0.2.3:2999 ' }).waitFor();
});

t.test('a network that changes while the page loads costs no more than a moment', { skip }, async (t) => {
  const { sim, page } = await open(t);
  const lost: string[] = [];
  page.on('requestfailed', (request) => lost.push(new URL(request.url()).pathname));
  const paths = ['/dashboard/app.js', '/dashboard/core/shell.js', '/dashboard/session', '/dashboard/views/traffic.js'];
  for (const path of paths) {
    await page.route(`**${path}`, (route) => route.abort('internetdisconnected'), { times: 1 });
  }
  await openDashboard(page, sim);
  await goTo(page, 'traffic');
  for (const path of paths) t.ok(lost.includes(path), `${path} was lost once`);
});

t.test('an instance that is started anew asks for its own secret', { skip }, async (t) => {
  const { sim, page } = await open(t);
  const { port } = sim.admin;
  await openDashboard(page, sim);
  await sim.close();
  await page.getByText('connection lost, trying again').waitFor();
  const next = await startSimulator({ admin: { port } });
  t.teardown(() => next.close());
  await page.getByText('it was started anew').waitFor();
  t.equal(await page.evaluate('sessionStorage.length'), 0, 'the old secret is forgotten');
  await visit(page, next.admin.dashboardLink());
  await page.getByText('live', { exact: true }).waitFor();
});
