import t from 'tap';
import { startHttpProxy, startSocksProxy, TunnelClient } from '../../src/client/index.ts';
import { CHROMIUM_NEEDS, Chromium } from '../support/chromium.ts';
import { skipUnless } from '../support/interop.ts';
import { picture } from '../support/pictures.ts';
import { start } from '../support/running-simulator.ts';

t.setTimeout(120_000);

t.test(
  'Chromium shows the intranet through the proxies',
  { skip: skipUnless({ programs: CHROMIUM_NEEDS }) },
  async (t) => {
    const sim = await start(t);
    await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
    await using socks = await startSocksProxy(client, { port: 0 });
    await using http = await startHttpProxy(client, { port: 0 });
    await using chromium = await Chromium.start({ ca: sim.ca });
    for (const server of [`socks5://127.0.0.1:${socks.port}`, `http://127.0.0.1:${http.port}`]) {
      await using visit = await chromium.visit({ proxy: { server } });
      const page = await visit.context.newPage();
      const answer = await page.goto('https://intranet.contoso.internal/');
      t.equal(answer?.status(), 200, server);
      t.match(await page.textContent('body'), /alice@contoso\.com/, server);
      await picture(page, `intranet-by-${server.split(':')[0]}`);
      const outside = await page.goto('http://192.0.2.1/').catch(() => undefined);
      t.equal(outside?.status() ?? 403, 403, `${server}: what is outside the tunnel is refused`);
    }
  },
);
