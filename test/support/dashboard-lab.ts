import type { Page } from 'playwright-core';
import type { Test } from 'tap';
import { type Simulator, startSimulator } from '../../src/index.ts';
import { CHROMIUM_NEEDS } from './chromium.ts';
import { browserPage, complaintsOf } from './dashboard.ts';
import { quickOpenconnect } from './quick-openconnect.ts';
import { SOCKS_TUNNEL_PROGRAMS, SocksTunnel } from './socks-tunnel.ts';

/** What `dashboardLab` needs. */
export const DASHBOARD_LAB_PROGRAMS = [...CHROMIUM_NEEDS, ...SOCKS_TUNNEL_PROGRAMS];
export const LONG = { timeout: 100_000 };
export const INTRANET = 'http://intranet.contoso.internal';

interface DashboardLab {
  readonly sim: Simulator;
  readonly page: Page;
  readonly complaints: string[];
  readonly tunnel: SocksTunnel;
}

/** A simulator, a person with a browser, and a stock openconnect that they look at. */
export async function dashboardLab(t: Test): Promise<DashboardLab> {
  // A dead peer detection of 10 s, and a minute until DTLS is tried again, are a tenth of that here.
  quickOpenconnect(t);
  const sim = await startSimulator({ gateway: { dpd: 10 } });
  t.teardown(() => sim.close());
  const page = await browserPage(t, { ca: sim.ca });
  const complaints = complaintsOf(page);
  const tunnel = await SocksTunnel.open(sim, await sim.token(), t.testdir());
  t.teardown(() => tunnel[Symbol.asyncDispose]());
  await sim.journal.waitFor({ name: 'channel.dtls.open' }, LONG);
  return { sim, page, complaints, tunnel };
}
