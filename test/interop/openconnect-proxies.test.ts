import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import t from 'tap';
import { CHROMIUM, CHROMIUM_NEEDS } from '../support/chromium.ts';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';
import { picture } from '../support/pictures.ts';

// The proxies of the mock network and its PAC file, as programs on a client's machine use them: curl in all modes, Chromium by PAC.

t.setTimeout(200_000);
const needs = { programs: ['openconnect', 'ip', 'curl', 'openssl'], namespaces: true, tun: true };

t.test('curl goes through each proxy, as far as that lets it', { skip: skipUnless(needs) }, async (t) => {
  const one = await desk(t, { services: { proxy: { allow: ['intranet.contoso.internal'] } } });
  const run = await one.connect(await one.sim.token({ user: 'alice@contoso.com' }));
  t.equal(run.outcome, 'connected', run.text());
  const proxy = (port: number, ...more: string[]) => ['-x', `http://proxy.contoso.internal:${port}`, ...more];
  const told = async (...args: string[]): Promise<string> => {
    const written = ['-o', '/dev/null', '-w', '%{http_code} %{http_connect} %{exitcode}'];
    const { stdout } = await one.client.output('curl', [
      '-sS',
      '--max-time',
      '60',
      '--cacert',
      join(one.directory, 'ca.pem'),
      ...written,
      ...args,
    ]);
    return stdout.toString();
  };
  const user = ['--proxy-user', 'alice:contoso'];
  for (const [what, expected, args] of [
    ['open, plain', '200 000 0', [...proxy(3128), 'http://intranet.contoso.internal/']],
    ['open, by a short name', '200 000 0', [...proxy(3128), 'http://intranet.contoso.internal./']],
    ['open, encrypted', '200 200 0', [...proxy(3128), 'https://api.contoso.internal/echo']],
    ['open, not allowed by the policy', '403 000 0', [...proxy(3128), 'http://192.0.2.1/']],
    ['allow-list, on it', '200 200 0', [...proxy(3129), 'https://intranet.contoso.internal/']],
    ['allow-list, not on it', '000 403 56', [...proxy(3129), 'https://api.contoso.internal/echo']],
    ['authenticated, nobody', '407 000 0', [...proxy(3130), 'http://intranet.contoso.internal/']],
    ['authenticated, Basic', '200 000 0', [...proxy(3130, ...user), 'http://intranet.contoso.internal/']],
    ['authenticated, Basic, encrypted', '200 200 0', [...proxy(3130, ...user), 'https://intranet.contoso.internal/']],
    [
      'authenticated, Digest',
      '200 000 0',
      [...proxy(3130, '--proxy-digest', ...user), 'http://intranet.contoso.internal/'],
    ],
    [
      'authenticated, Digest, encrypted',
      '200 200 0',
      [...proxy(3130, '--proxy-digest', ...user), 'https://api.contoso.internal/echo'],
    ],
    [
      'authenticated, wrong',
      '407 000 0',
      [...proxy(3130, '--proxy-user', 'alice:no'), 'http://intranet.contoso.internal/'],
    ],
    ['inspecting, with the wrong CA', '000 200 60', [...proxy(3131, ...user), 'https://intranet.contoso.internal/']],
  ] as const) {
    t.equal(await told(...args), expected, what);
  }
  const ca = join(one.directory, 'inspecting-ca.pem');
  await one.curl('-o', ca, 'http://proxy.contoso.internal/inspecting-ca.pem');
  const inspected = ['-v', '--cacert', ca, ...proxy(3131, ...user), 'https://intranet.contoso.internal/whoami'];
  const { stdout, stderr } = await one.client.output('curl', ['-sS', ...inspected]);
  t.match(stdout.toString(), /"scheme":"https"/, stderr);
  t.match(stderr, /issuer: .*inspecting CA/);
  t.match(await told('--cacert', ca, ...proxy(3131, ...user), 'https://expired.contoso.internal/'), /^502 200 0/);
  const channel = one.sim.journal.query({ name: 'resource.end', fields: { host: 'intranet.contoso.internal' } }).at(-1);
  t.match(channel?.fields, { channel: 'http-proxy' });
  await run.stop();
});

const skip = skipUnless({ ...needs, programs: [...needs.programs, ...CHROMIUM_NEEDS] });
t.test('Chromium goes by the PAC file, and shows the intranet and the login form', { skip }, async (t) => {
  const one = await desk(t, { services: { pac: { exclusions: ['webapp.contoso.internal'] } } });
  const run = await one.connect(await one.sim.token({ user: 'alice@contoso.com' }));
  t.equal(run.outcome, 'connected', run.text());
  // The program itself runs in the client's namespace.
  const wrapper = join(one.directory, 'chromium');
  writeFileSync(wrapper, `#!/bin/sh\nexec ip netns exec ${one.client.name} ${CHROMIUM} "$@"\n`, { mode: 0o755 });
  const browser = await chromium.launch({
    executablePath: wrapper,
    headless: true,
    env: { ...process.env, HOME: one.directory },
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--proxy-pac-url=http://pac.contoso.internal/proxy.pac'],
  });
  t.teardown(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 900, height: 760 } });
  await page.goto('http://intranet.contoso.internal/');
  t.match(
    await page.textContent('main'),
    /You reached the on-premises network through the tunnel[\s\S]*alice@contoso\.com/,
  );
  t.match(await page.textContent('main'), /10\.20\.0\.42/, 'the proxy is who asks');
  await picture(page, 'pac-intranet');
  // The browser asks for things of its own beside.
  const byProxy = one.sim.journal.query({ name: 'proxy.request', fields: { host: 'intranet.contoso.internal' } });
  t.match(byProxy[0]?.fields, {
    host: 'intranet.contoso.internal',
    status: 200,
  });
  await page.goto('http://webapp.contoso.internal/');
  t.equal(await page.locator('input[type=password]').count(), 1);
  await picture(page, 'pac-login');
  t.equal(one.sim.journal.query({ name: 'proxy.request', fields: { host: 'webapp.contoso.internal' } }).length, 0);
  await page.goto('http://192.0.2.1/');
  t.match(await page.textContent('main'), /403 Forbidden[\s\S]*No mock host/, 'a refusal is a page');
  await picture(page, 'pac-refused');
  await page.goto('http://proxy.contoso.internal/');
  await picture(page, 'pac-proxy');
  await run.stop();
});
