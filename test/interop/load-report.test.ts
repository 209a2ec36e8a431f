import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { resultHtml } from '../../src/load/index.ts';
import { testLeaf } from '../support/certificates.ts';
import { CHROMIUM_NEEDS, Chromium } from '../support/chromium.ts';
import { assertAccessible } from '../support/dashboard.ts';
import { skipUnless } from '../support/interop.ts';
import { loadResult } from '../support/load-results.ts';

/* The report of a load test in a browser that has no network, opened as the file that it is. */

t.setTimeout(300_000);
const skip = skipUnless({ programs: CHROMIUM_NEEDS });

const EVIL = '</script><script>document.title="taken"</script><img src=x onerror=alert(1)>';

t.test(
  'a report draws its plots from a file, asks nobody, and runs nothing that is not its own',
  { skip },
  async (t) => {
    const file = join(t.testdir(), 'report.html');
    const made = { thresholds: ['fallback.p99 < 1s'], refusals: [EVIL], gateway: { cpu: 1, rss: 2e8 } };
    const { meta, ...rest } = loadResult({ name: `Fall back ${EVIL}`, ...made });
    writeFileSync(file, resultHtml({ ...rest, meta: { ...meta, plan: { ...meta.plan, description: EVIL } } }));
    const chromium = await Chromium.start({ ca: (await testLeaf('localhost')).caPem });
    t.teardown(() => chromium[Symbol.asyncDispose]());
    for (const colorScheme of ['light', 'dark'] as const) {
      await using visitor = await chromium.visit({ viewport: { width: 1200, height: 900 }, colorScheme });
      await visitor.context.setOffline(true);
      const page = await visitor.context.newPage();
      page.setDefaultTimeout(60_000);
      const asked: string[] = [];
      const faults: string[] = [];
      page.on('request', (request) => asked.push(request.url()));
      page.on('pageerror', (error) => faults.push(error.message));
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
      });
      page.on('dialog', (dialog) => {
        faults.push(dialog.message());
        void dialog.dismiss();
      });
      const address = pathToFileURL(file).href;
      await page.goto(address);
      await page.locator('.plot canvas').last().waitFor();
      t.strictSame(asked, [address]);
      t.equal(await page.title(), `Fall back ${EVIL}: failed`);
      t.equal(await page.locator('h1').textContent(), `Fall back ${EVIL}`);
      t.equal(await page.locator('img').count(), 0);
      const plots = await page.locator('.plot').count();
      t.equal(plots, 7 + 4);
      t.equal(await page.locator('.plot canvas').count(), plots);
      // The lines are there, in their colours, in both schemes.
      for (const [i, plot] of ['plot-clients', 'plot-roundtrip', 'plot-percentiles-fallback'].entries()) {
        const drawn = await page.evaluate<number>(`(() => {
        const canvas = document.querySelector('#${plot} canvas');
        const probe = document.createElement('canvas').getContext('2d');
        probe.fillStyle = getComputedStyle(document.documentElement).getPropertyValue('--series-a').trim();
        probe.fillRect(0, 0, 1, 1);
        const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        let count = 0;
        for (let at = 0; at < data.length; at += 4)
          if (data[at + 3] > 200 && Math.abs(data[at] - r) + Math.abs(data[at + 1] - g) + Math.abs(data[at + 2] - b) < 40) count++;
        return count;
      })()`);
        t.ok(drawn > 50, `${plot} ${drawn} ${i}`);
      }
      await page.locator('summary').click();
      t.match(await page.locator('pre').textContent(), /"udp blackout"/);
      const { SCREENSHOT_FOLDER } = process.env;
      if (SCREENSHOT_FOLDER) {
        mkdirSync(SCREENSHOT_FOLDER, { recursive: true });
        await page.screenshot({ path: join(SCREENSHOT_FOLDER, `load-report-${colorScheme}.png`), fullPage: true });
      }
      await page.setViewportSize({ width: 380, height: 800 });
      // The plots are drawn again once they know of their new width.
      await page.waitForFunction('document.documentElement.scrollWidth === 380');
      t.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 380, 'it fits a phone');
      if (colorScheme === 'light') await assertAccessible(t, page, 'the report');
      t.strictSame(faults, []);
    }
  },
);
