import { readFileSync } from 'node:fs';
import t from 'tap';
import { assertAccessible, openDashboard } from '../support/dashboard.ts';
import { DASHBOARD_LAB_PROGRAMS, dashboardLab, INTRANET, LONG } from '../support/dashboard-lab.ts';
import { skipUnless } from '../support/interop.ts';
import { picture } from '../support/pictures.ts';

// A person with a browser, and a stock openconnect that they look at.

t.setTimeout(300_000);
const skip = skipUnless({ programs: DASHBOARD_LAB_PROGRAMS });

t.test('openconnect is seen to fall back when UDP is blocked by a click, and to return', { skip }, async (t) => {
  const { sim, page, complaints, tunnel } = await dashboardLab(t);
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
  // Who has something to send notices soon.
  tunnel.askFor(t, `${INTRANET}/whoami`);
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
