import { createServer } from 'node:http';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import { browserPage, complaintsOf, goTo, openDashboard, VIEWS, visit } from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';

t.setTimeout(300_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });
async function open(t: Test, config: object = {}) {
  const sim = await startSimulator({ gateway: { dpd: 3 }, ...config });
  t.teardown(() => sim.close());
  const page = await browserPage(t, {
    ca: sim.ca,
    args: ['--host-resolver-rules=MAP attacker.example 127.0.0.1'],
  });
  return { sim, page, complaints: complaintsOf(page) };
}

t.test('a page of another origin reads nothing, changes nothing and shows nothing', { skip }, async (t) => {
  const { sim, page } = await open(t);
  const attacker = createServer((_, answer) =>
    answer.setHeader('content-type', 'text/html').end('<title>attacker</title>'),
  );
  await new Promise<void>((resolve) => attacker.listen(0, '127.0.0.1', resolve));
  t.teardown(() => attacker.close());
  const { port } = attacker.address() as { port: number };
  const admin = sim.admin.url;
  const link = sim.admin.dashboardLink();
  const code = link.split('#code=')[1];
  await visit(page, `http://127.0.0.1:${port}/`);
  const tried = await page.evaluate<Record<string, string>>(`(async () => {
    const told = {};
    const attempt = async (name, path, init) => {
      try {
        const answer = await fetch('${admin}' + path, init);
        told[name] = answer.type + ' ' + (await answer.text()).slice(0, 50);
      } catch (error) { told[name] = error.name; }
    };
    await attempt('read', '/api/sessions', {});
    await attempt('with the secret', '/api/sessions', { headers: { authorization: 'Bearer ${sim.admin.secret}' } });
    await attempt('code', '/dashboard/session', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"code":"${code}"}' });
    await attempt('simple', '/dashboard/session', { method: 'POST', mode: 'no-cors', body: '{"code":"${code}"}' });
    await attempt('script', '/dashboard/app.js', { mode: 'no-cors' });
    const frame = document.createElement('iframe');
    frame.src = '${admin}/';
    document.body.append(frame);
    await new Promise((resolve) => { frame.onload = resolve; });
    told.frame = String(frame.contentDocument === null || frame.contentDocument.body.childElementCount === 0);
    return told;
  })()`);
  for (const name of ['read', 'with the secret', 'code', 'script']) t.equal(tried[name], 'TypeError', name);
  t.notMatch(tried['simple'], /secret/);
  t.equal(tried['frame'], 'true', 'it is shown in no frame');
  await visit(page, link);
  await page.getByText('live', { exact: true }).waitFor();
  t.equal(
    await page.evaluate('location.hash'),
    '#/sessions',
    'the link that the other page knew is still good for its owner',
  );
});

t.test('a name that is bound to this machine gets neither the page nor what is behind it', { skip }, async (t) => {
  const { sim, page } = await open(t);
  const answer = await page.goto(`http://attacker.example:${new URL(sim.admin.url).port}/`);
  t.equal(answer?.status(), 403);
  t.match(await answer!.text(), /ERR_ADMIN_FORBIDDEN/);
  const told = await page.evaluate<number>(
    `fetch('/api/status', { headers: { authorization: 'Bearer ${sim.admin.secret}' } }).then(({ status }) => status)`,
  );
  t.equal(told, 403, 'not even with the secret');
});

t.test('the secret is in no address, no storage but this tab, and gone with it', { skip }, async (t) => {
  const { sim, page } = await open(t);
  const asked: string[] = [];
  page.on('request', (request) => asked.push(request.url()));
  await openDashboard(page, sim);
  for (const view of VIEWS) await goTo(page, view);
  t.ok(asked.length > 20);
  t.notOk(asked.some((url) => url.includes(sim.admin.secret) || url.includes('code=')));
  const kept = await page.evaluate<Record<string, unknown>>(
    '({ local: JSON.stringify(localStorage), cookie: document.cookie, address: location.href, length: history.length })',
  );
  t.notMatch(JSON.stringify(kept), new RegExp(sim.admin.secret));
  const other = await page.context().newPage();
  await visit(other, sim.admin.url);
  await other.getByText('Or paste the secret').waitFor();
  await other.locator('#secret').fill('wrong');
  await other.getByRole('button', { name: 'Open' }).click();
  await other.getByText('The instance does not know this secret').waitFor();
  await other.locator('#secret').fill(sim.admin.secret);
  await other.getByRole('button', { name: 'Open' }).click();
  await other.getByText('live', { exact: true }).waitFor();
  await other.goto(`${sim.admin.url}/#code=${'x'.repeat(43)}`);
  await other.reload();
  await other.getByText('live', { exact: true }).waitFor();
});
