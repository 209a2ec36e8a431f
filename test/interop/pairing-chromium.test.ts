import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import t, { type Test } from 'tap';
import { CHROMIUM_NEEDS, Chromium } from '../support/chromium.ts';
import { spawnCli } from '../support/cli.ts';
import { skipUnless } from '../support/interop.ts';
import { pairingLab } from '../support/pairing.ts';

t.setTimeout(180_000);

const PHONE = { width: 390, height: 844 };

/** The lowest contrast of any text on the page, by WCAG 2.2. Runs in the page. */
const LOWEST_CONTRAST = `(() => {
  const rgb = (color) => (color.match(/[\\d.]+/g) ?? []).map(Number);
  const light = (color) => {
    const [r, g, b] = rgb(color).map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  let worst = { contrast: 21, text: '' };
  for (const element of document.querySelectorAll('body *')) {
    const text = [...element.childNodes].map((node) => (node.nodeType === 3 ? node.textContent.trim() : '')).join('');
    if (text === '' || /^(SCRIPT|STYLE)$/.test(element.tagName)) continue;
    let behind = element;
    while (behind && rgb(getComputedStyle(behind).backgroundColor)[3] === 0) behind = behind.parentElement;
    const pair = [getComputedStyle(element).color, getComputedStyle(behind ?? document.body).backgroundColor].map(light);
    const contrast = (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05);
    if (contrast < worst.contrast) worst = { contrast, text };
  }
  return worst;
})()`;

/** What a text on the page has at least: 4.5 (WCAG 2.2, 1.4.3). */
async function assertReadable(t: Test, page: Page): Promise<void> {
  const { contrast, text } = await page.evaluate<{ readonly contrast: number; readonly text: string }>(LOWEST_CONTRAST);
  t.ok(contrast >= 4.5 && contrast < 21, `${contrast.toFixed(2)} is the lowest, of “${text.slice(0, 40)}”`);
}

for (const colorScheme of ['light', 'dark'] as const) {
  t.test(
    `a phone gets from the scanned address to a token, ${colorScheme}`,
    { skip: skipUnless({ programs: CHROMIUM_NEEDS }) },
    async (t) => {
      const { sim, server, codes } = await pairingLab(t);
      await using chromium = await Chromium.start({ ca: sim.ca });
      await using visit = await chromium.visit({ colorScheme, viewport: PHONE });
      const page = await visit.context.newPage();
      const complaints: string[] = [];
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('console', (message) => complaints.push(message.text()));
      await page.goto(`${server.url}#${codes[0]}`);
      t.equal(page.url(), server.url, 'the code is taken out of the address');
      t.equal(await page.getByLabel('Code in the terminal').inputValue(), codes[0]);
      for (const one of await page.locator('details').all())
        await one.evaluate((element) => element.setAttribute('open', ''));
      t.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width, 'nothing is beside the screen');
      await assertReadable(t, page);
      for (const button of await page.locator('.act:visible, button, summary').all()) {
        t.ok((await button.boundingBox())!.height >= 44, 'a finger meets it');
      }
      const [download] = await Promise.all([page.waitForEvent('download'), page.getByText('Get the profile').click()]);
      t.equal(download.suggestedFilename(), 'tunnelite-ca.mobileconfig');
      await page.getByRole('button', { name: 'Get it' }).click();
      await page.getByText('The code was right').waitFor();
      t.match(
        await page.getByText('Open the app with it').getAttribute('href'),
        /^com\.contoso\.lob\.tunnelite:\/\/connect#/,
      );
      await assertReadable(t, page);
      t.strictSame(complaints, []);
    },
  );
}

t.test('it works without scripts, too', { skip: skipUnless({ programs: CHROMIUM_NEEDS }) }, async (t) => {
  const { sim, server, codes } = await pairingLab(t);
  await using chromium = await Chromium.start({ ca: sim.ca });
  await using visit = await chromium.visit({ javaScriptEnabled: false, viewport: PHONE });
  const page = await visit.context.newPage();
  await page.goto(server.url);
  await page.getByLabel('Code in the terminal').fill(codes[0]!);
  await page.getByRole('button', { name: 'Get it' }).click();
  const right = page.getByText('The code was right');
  await right.waitFor();
  t.ok(await right.isVisible());
});

t.test(
  'start --lan gives certificates and issuer the name, shows the page, and keeps the administration at home',
  { skip: skipUnless({ programs: ['curl'] }) },
  async (t) => {
    const certs = t.testdir();
    const { child, waitFor, ended } = spawnCli([
      'start',
      '--lan',
      '--name',
      'phone-test.local',
      '--host',
      '127.0.0.1',
      '--port',
      '0',
      '--certs',
      certs,
      '--log-level',
      'silent',
    ]);
    t.teardown(() => child.kill());
    const out = await waitFor(/^Ready: .*$/m);
    const pageUrl = /Connect a phone in this network: (\S+)/.exec(out)![1]!;
    const code = /Pairing code +(\S+)/.exec(out)![1]!;
    t.match(out, /█▀▀▀▀▀▀▀█/, 'there is a QR code');
    const curl = async (...args: string[]): Promise<string> =>
      (await promisify(execFile)('curl', ['-sS', '--max-time', '20', ...args], { encoding: 'utf8' })).stdout;
    const text = await curl(pageUrl);
    const gateway = /(phone-test\.local):(\d+)/.exec(text)!;
    t.match(text, gateway[0]);
    const authority = /https:\/\/phone-test\.local:(\d+)\/[0-9a-f-]{36}/.exec(text)!;
    const ca = await curl(new URL('/ca.crt', pageUrl).href, '-o', `${certs}/phone.crt`).then(() => `${certs}/ca.pem`);
    const resolved = [gateway[2], authority[1]].flatMap((port) => ['--resolve', `phone-test.local:${port}:127.0.0.1`]);
    await curl('--cacert', ca, ...resolved, `https://${gateway[0]}/`);
    const metadata = await curl('--cacert', ca, ...resolved, `${authority[0]}/v2.0/.well-known/openid-configuration`);
    t.match(JSON.parse(metadata).token_endpoint, `https://phone-test.local:${authority[1]}/`);
    const token = await curl('--data-urlencode', `code=${code}`, new URL('/pair', pageUrl).href);
    t.match(token, /eyJ[\w-]+\.eyJ/);
    const next = await waitFor(/For the next phone: /);
    t.match(next, /Pairing code +\S+ .*[\s\S]*Pairing code +\S+ /);
    t.match(await curl(new URL('/api/status', pageUrl).href), 'Not found');
    t.match(out, /health http:\/\/127\.0\.0\.1:/);
    child.kill('SIGTERM');
    t.equal((await ended).code, 0);
  },
);
