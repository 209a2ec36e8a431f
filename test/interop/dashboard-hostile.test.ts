import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { CHROMIUM_NEEDS } from '../support/chromium.ts';
import {
  assertUnharmed,
  browserPage,
  complaintsOf,
  EVIL,
  goTo,
  openDashboard,
  SPELLED,
  VIEWS,
} from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from '../support/socks-tunnel.ts';

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

t.test('names, agents and paths of a hostile client are texts in every view', { skip }, async (t) => {
  const { sim, page, complaints } = await open(t);
  const evil = {
    id: 'a"><b>',
    username: EVIL,
    signInName: EVIL,
    userAgent: EVIL,
    hostname: EVIL,
    deviceType: EVIL,
    devicePlatform: EVIL,
  };
  const session = {
    ...evil,
    state: 'connected',
    remoteAddress: EVIL,
    address4: EVIL,
    tlsCipher: EVIL,
    dtlsCipher: EVIL,
    dataChannel: 'dtls',
    mtu: 1400,
    createdAt: 0,
    connectedAt: 1,
    bytesIn: 1,
    bytesOut: -1,
  };
  const answer = (path: string, json: unknown) => page.route(`**${path}`, (route) => route.fulfill({ json }));
  await answer('/api/sessions', { sessions: [session] });
  await answer('/api/sessions/*', session);
  await answer('/api/resources/requests.har', {
    log: {
      entries: [
        {
          _request: 'r1',
          time: 1,
          request: {
            method: EVIL,
            url: `javascript:${EVIL}`,
            headers: [{ name: EVIL, value: `${EVIL}\r\nrm -rf /` }],
            postData: { text: EVIL },
          },
          response: { status: EVIL, statusText: EVIL, content: { size: -1, mimeType: EVIL } },
        },
      ],
    },
  });
  const finding = {
    cause: EVIL,
    weight: EVIL,
    title: EVIL,
    what: EVIL,
    why: EVIL,
    next: [EVIL],
    times: 2,
    overcome: true,
  };
  // What is told of one session is asked of the instance itself: the address of the page names one that cannot be.
  await answer('/api/explain', { summary: EVIL, findings: [finding] });
  await page.route('**/api/directory/tenants/*/users', (route) =>
    route.fulfill({ json: [{ id: EVIL, userPrincipalName: EVIL, displayName: EVIL, type: EVIL, risk: EVIL }] }),
  );
  const policy = { id: EVIL, displayName: EVIL, apps: [{ mobileAppIdentifier: { bundleId: EVIL } }] };
  await answer('/api/intune/export', {
    document: { targetedManagedAppConfigurations: [policy, { id: 7, apps: [null], assignments: [{}] }] },
    facts: null,
  });
  await answer('/api/intune/lint', {
    findings: [{ level: EVIL, rule: EVIL, subject: EVIL, message: EVIL, fix: EVIL }],
  });
  const delivery = { user: EVIL, app: EVIL, platform: EVIL, at: EVIL, settings: -1, policies: [EVIL], notes: [EVIL] };
  await answer('/api/intune/deliveries', { deliveries: [{ ...delivery, state: EVIL }] });
  const person = { user: EVIL, signInName: EVIL };
  const request = {
    ...person,
    request: 'r1',
    trace: EVIL,
    session: evil.id,
    channel: EVIL,
    protocol: 'tcp',
    source: EVIL,
    destination: EVIL,
    host: EVIL,
    decision: 'allow',
    rule: EVIL,
    explanation: EVIL,
  };
  sim.emit('http.request', { remote: EVIL, method: EVIL, path: `/${EVIL}`, agent: EVIL });
  sim.emit('tls.failed', { remote: EVIL, reason: EVIL, explanation: EVIL, withheld: 0 });
  sim.emit('auth.accepted', {
    ...person,
    remote: EVIL,
    session: evil.id,
    tenant: EVIL,
    agent: EVIL,
    client: EVIL,
    objectId: EVIL,
  } as never);
  sim.emit('session.connect', {
    ...person,
    session: evil.id,
    remote: EVIL,
    address4: EVIL,
    address6: EVIL,
    mtu: 1,
    agent: EVIL,
    resumed: false,
  } as never);
  sim.emit('channel.switch', { session: evil.id, from: EVIL, to: EVIL, reason: EVIL });
  sim.emit('resource.request', request as never);
  sim.emit('resource.end', {
    ...request,
    target: EVIL,
    outcome: EVIL,
    began: 0,
    answered: 1,
    milliseconds: 1,
    bytesIn: 1,
    bytesOut: 1,
    reason: EVIL,
  } as never);
  sim.emit('dns.query', { session: evil.id, question: EVIL, type: EVIL, outcome: EVIL, answers: 0 });
  sim.emit('fault.injected', { rule: EVIL, fault: EVIL, seam: EVIL, session: evil.id, detail: EVIL, hit: 1 });
  await openDashboard(page, sim);
  for (const view of [...VIEWS, `session/${encodeURIComponent(evil.id)}`]) {
    await goTo(page, view);
    if (!['traffic', 'faults', 'setup', 'tokens'].includes(view)) {
      await page
        .locator('main', { hasText: SPELLED })
        .or(page.locator('main', { hasText: 'img src=x' }))
        .waitFor();
    }
    if (view === 'setup') await page.locator('.explanation', { hasText: SPELLED }).waitFor();
    if (view === 'tokens') {
      const b64 = (text: string) => Buffer.from(text).toString('base64url');
      const token = `${b64(JSON.stringify({ alg: EVIL, kid: EVIL, typ: EVIL }))}.${b64(JSON.stringify({ aud: EVIL, [EVIL]: EVIL, iss: [EVIL], exp: 1e308 }))}.AA`;
      await page.getByRole('textbox', { name: 'A token' }).fill(token);
      await page.getByText(/would refuse it \(algorithm\)/).waitFor();
    }
    for (const row of (await page.locator('.list-body .row').all()).slice(0, 4)) {
      await row.click({ position: { x: 400, y: 10 } });
      await assertUnharmed(t, page, `${view}, opened`);
      // Where a row opens a page of its own.
      if (['sessions', 'policies'].includes(view)) await goTo(page, view);
    }
    await assertUnharmed(t, page, view);
  }
  t.strictSame(
    complaints.filter((text) => !/404/.test(text)),
    [],
  );
});

t.test(
  'what a stock client sends is a text, too',
  { skip: skipUnless({ programs: [...CHROMIUM_NEEDS, ...SOCKS_TUNNEL_PROGRAMS] }) },
  async (t) => {
    const { sim, page } = await open(t);
    await using tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir(), [
      `--useragent=${EVIL.replaceAll('\u202e', '')}`,
      '--local-hostname=<b>host</b>',
    ]);
    await tunnel.fetch(`http://intranet.contoso.internal/<img%20src=x%20onerror=struck=1>`).catch(() => undefined);
    await openDashboard(page, sim);
    const row = page.locator('.list-sessions .list-body .row').first();
    await row.waitFor();
    t.match(await row.textContent(), /<img src=x onerror/);
    await assertUnharmed(t, page, 'sessions');
    await row.getByRole('link').click();
    await page.locator('.facts', { hasText: '<img src=x onerror' }).first().waitFor();
    await assertUnharmed(t, page, 'session');
  },
);
