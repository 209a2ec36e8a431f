// What the dashboard costs: its weight and first paint in Debian's Chromium; what an open one takes of the gateway under a bulk transfer; and with
// thousands of sessions in its list, what asking for them takes of the gateway and how long a frame takes while the list is scrolled.
//
//   node bench/dashboard/main.ts [rounds] [megabytes of a transfer] [sessions] [seconds of rest]
//
// Needs Chromium at /usr/bin/chromium, taskset and nice. During transfers, the client has cores of its own, and the browser shares that of the gateway, with
// the lowest priority. `watcher.ts` requests what the page requests, and draws nothing: the difference is what a browser on the same machine costs.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Browser, chromium, type Page } from 'playwright-core';
import { connectSimulator } from '../../src/admin/index.ts';
import { TunnelClient } from '../../src/client/index.ts';
import { Child } from '../lib/child.ts';
import { digits, least, median, medianAndLeast, timesAndLeast } from '../lib/figures.ts';
import { processTree, threadTimes } from '../lib/processes.ts';

const [rounds = 5, megabytes = 200, sessions = 5000, rest = 2] = process.argv.slice(2).map(Number);
const BYTES = 4_000_000;
const LABELS = [
  ['nobody', 'nobody looks'],
  ['watcher', 'its requests'],
  ['dashboard', 'dashboard open'],
] as const;
/** How long it is looked on while nothing is transferred, and how long a page has to come to rest. */
const [IDLE_MS, REST_MS] = [rest * 2000, rest * 1000];
const repository = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'tunnelite-bench-'));

const server = spawn(
  process.execPath,
  [
    ...[join(repository, 'src/cli/main.js'), 'start', '--port', '0', '--certs', join(folder, 'certs')],
    ...['--json', '--log-level', 'silent'],
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const pid = server.pid!;
const ready = await new Promise<{ gateway: string; ca: string }>((resolve, reject) => {
  let text = '';
  server.stdout.on('data', (chunk: Buffer) => {
    text += chunk;
    if (text.includes('\n')) resolve(JSON.parse(text) as { gateway: string; ca: string });
  });
  server.once('exit', () => reject(new Error('The simulator has ended.')));
});
const { admin, secret } = JSON.parse(readFileSync(join(folder, 'certs/instance.json'), 'utf8')) as Record<
  string,
  string
>;
const sim = await connectSimulator(admin!, { secret: secret! });
const launch = (executablePath: string): Promise<Browser> =>
  chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
let browser = await launch('/usr/bin/chromium');

/**
 * Gives the client, which is in this process and limits the rate, cores of its own. The browser shares the first core with the gateway, and takes only
 * time that the gateway leaves: a wrong priority would measure the scheduler.
 */
async function separate(): Promise<void> {
  await browser.close();
  const pin = (cores: string, one: number) =>
    execFileSync('taskset', ['-acp', cores, String(one)], { stdio: 'ignore' });
  const cores = availableParallelism();
  if (cores > 1) {
    pin('0', pid);
    pin(`1-${cores - 1}`, process.pid);
  }
  const low = join(folder, 'chromium');
  writeFileSync(low, '#!/bin/sh\nexec nice -n 19 taskset -c 0 /usr/bin/chromium "$@"\n', { mode: 0o700 });
  browser = await launch(low);
}

const timeOf = (process: number): number =>
  [...threadTimes(process).values()].reduce((sum, time) => sum + time, 0) / 1e6;
/** Milliseconds that all threads of the gateway's process have run. */
const cpu = (): number => timeOf(pid);

/** The processes of the browser. */
const browserProcesses = (): number[] => processTree(process.pid).filter((one) => /chrom/.test(nameOf(one)));
const browserCpu = (): number => browserProcesses().reduce((sum, one) => sum + timeOf(one), 0);

function nameOf(process: number): string {
  try {
    return readFileSync(`/proc/${process}/comm`, 'utf8');
  } catch {
    return '';
  }
}

interface Opened {
  readonly page: Page;
  readonly paint: number;
  /** Of the first page, as they are, and as they come over the network. */
  readonly bytes: number;
  readonly sent: number;
  readonly rows: number;
  /** Processor time of the page's main thread, in milliseconds: until it first painted, and until its first row was there. */
  readonly work: { readonly paint: number; readonly rows: number };
  /** That of the gateway until the first row. */
  readonly served: number;
}

async function open(): Promise<Opened> {
  const page = await browser.newPage({ viewport: { width: 1360, height: 820 } });
  const { url } = await sim.dashboardLink();
  const trace = await startTrace(page);
  const before = cpu();
  await page.goto(url);
  await page.locator('.list-sessions .list-body .row').first().waitFor();
  const served = cpu() - before;
  const work = await trace.end();
  const timing = await page.evaluate<{ paint: number; rows: number; bytes: number; sent: number }>(`({
    paint: performance.getEntriesByName('first-contentful-paint')[0].startTime,
    rows: performance.now(),
    bytes: [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource').filter(({ name }) => !name.includes('/api/'))]
      .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0),
    sent: [performance.getEntriesByType('navigation')[0], ...performance.getEntriesByType('resource').filter(({ name }) => !name.includes('/api/'))]
      .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
  })`);
  return { page, work, served, ...timing };
}

interface TraceEvent {
  readonly name: string;
  readonly pid: number;
  readonly tid: number;
  /** Microseconds. */
  readonly ts: number;
  /** Processor time in microseconds. */
  readonly tdur?: number;
}

/** Has Chromium note what its threads do: on a machine that is busy, only the processor time of that says what a page costs. */
async function startTrace(page: Page): Promise<{ end(): Promise<Opened['work']> }> {
  const session = await page.context().newCDPSession(page);
  const events: TraceEvent[] = [];
  session.on('Tracing.dataCollected', ({ value }) => events.push(...(value as unknown as TraceEvent[])));
  await session.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: [
        'toplevel',
        'devtools.timeline',
        'disabled-by-default-devtools.timeline',
        'loading',
        'blink.user_timing',
      ],
    },
  });
  return {
    async end() {
      const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
      await session.send('Tracing.end');
      await complete;
      const painted = events.findLast(({ name }) => name === 'firstContentfulPaint');
      if (painted === undefined) throw new Error('The page has not painted.');
      const own = events.filter(({ pid, tid }) => pid === painted.pid && tid === painted.tid);
      const began = Math.max(
        ...own.filter(({ name, ts }) => name === 'navigationStart' && ts <= painted.ts).map(({ ts }) => ts),
      );
      const between = (until: number) =>
        own
          .filter(({ name, ts }) => /RunTask$/.test(name) && ts >= began && ts < until)
          .reduce((sum, { tdur = 0 }) => sum + tdur, 0) / 1000;
      return { paint: between(painted.ts), rows: between(Infinity) };
    },
  };
}

interface Transferred {
  /** Milliseconds of the gateway's CPU. */
  readonly perMegabyte: number;
  /** Mbit/s. */
  readonly rate: number;
  /** Milliseconds of the browser's CPU for each second. */
  readonly browser: number;
  /** Milliseconds of the gateway's CPU for each second: near 1000, it is what limits the rate. */
  readonly load: number;
}

async function transfer(client: TunnelClient): Promise<Transferred> {
  const [before, browserBefore] = [cpu(), browserCpu()];
  const begin = performance.now();
  let bytes = 0;
  while (bytes < megabytes * 1e6) {
    const answer = await client.fetch(`http://intranet.contoso.internal/bytes/${BYTES}`);
    if (answer.status !== 200) throw new Error(`The mock service answered ${answer.status}.`);
    bytes += BYTES;
  }
  const took = performance.now() - begin;
  return {
    perMegabyte: (cpu() - before) / (bytes / 1e6),
    rate: (bytes * 8) / 1e3 / took,
    browser: ((browserCpu() - browserBefore) / took) * 1000,
    load: ((cpu() - before) / took) * 1000,
  };
}

/** Who looks during a transfer: nobody, a program that requests what the page requests, or the page in a browser. */
type Looking = 'nobody' | 'watcher' | 'dashboard';

async function look(looking: Looking): Promise<AsyncDisposable> {
  if (looking === 'dashboard') {
    const { page } = await open();
    return { [Symbol.asyncDispose]: () => page.close() };
  }
  if (looking === 'nobody') return { async [Symbol.asyncDispose]() {} };
  const watcher = new Child(
    spawn(process.execPath, [join(repository, 'bench/dashboard/watcher.ts'), admin!, secret!]),
    'watcher',
  );
  await watcher.next();
  return { [Symbol.asyncDispose]: async () => void watcher.process.kill() };
}

function printTransfers(found: Readonly<Record<Looking, readonly Transferred[]>>): void {
  const all = (looking: Looking, what: keyof Transferred) => found[looking].map((one) => one[what]);
  const rateOf = (looking: Looking) => median(all(looking, 'rate'));
  const base = all('nobody', 'perMegabyte');
  console.log('during a transfer: CPU of the gateway a MB, rate, CPU of the gateway and of the browser a second');
  for (const [looking, label] of LABELS) {
    const ratio = looking === 'nobody' ? '' : `${timesAndLeast(all(looking, 'perMegabyte'), base)}; `;
    const change = (rateOf(looking) / rateOf('nobody') - 1) * 100;
    const rate = `${digits(rateOf(looking))} Mbit/s${looking === 'nobody' ? '' : ` (${change.toFixed(1)} %)`}`;
    const [load, browser] = [median(all(looking, 'load')), median(all(looking, 'browser'))];
    console.log(
      `${label.padEnd(16)} ${medianAndLeast(all(looking, 'perMegabyte'))} ms, ${ratio}${rate}, ${digits(load)} ms, ${digits(browser)} ms`,
    );
  }
}

/** Milliseconds of the gateway's process for each second. */
async function idle(): Promise<number> {
  const before = cpu();
  const begin = performance.now();
  await sleep(IDLE_MS);
  return ((cpu() - before) / (performance.now() - begin)) * 1000;
}

try {
  const token = await sim.token();
  const client = await TunnelClient.connect({ server: ready.gateway, ca: readFileSync(ready.ca, 'utf8'), token });
  await transfer(client); // once for the compiler
  const opened: Opened[] = [];
  for (let i = 0; i < rounds + 1; i++) {
    const one = await open();
    await one.page.close();
    if (i > 0) opened.push(one);
  }
  console.log(`weight           ${opened[0]!.bytes} bytes, ${opened[0]!.sent} as they are sent`);
  console.log(`first paint      ${medianAndLeast(opened.map(({ paint }) => paint))} ms`);
  const works = (what: 'paint' | 'rows') => medianAndLeast(opened.map(({ work }) => work[what]));
  console.log(
    `that is          ${works('paint')} ms CPU of the page's main thread, and ${works('rows')} until the first row`,
  );
  console.log(
    `served           ${medianAndLeast(opened.map(({ served }) => served))} ms CPU of the gateway until the first row`,
  );
  console.log(`first row        ${medianAndLeast(opened.map(({ rows }) => rows))} ms`);

  await separate();
  await transfer(client);
  const found: Record<Looking, Transferred[]> = { nobody: [], watcher: [], dashboard: [] };
  for (let round = 0; round < rounds; round++) {
    const order: readonly Looking[] = ['nobody', 'watcher', 'dashboard'];
    for (const looking of round % 2 === 0 ? order : order.toReversed()) {
      await using _ = await look(looking);
      await sleep(REST_MS);
      found[looking].push(await transfer(client));
    }
  }
  printTransfers(found);
  await client.close();

  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, sim.ca);
  const fleet = new Child(
    spawn(process.execPath, [join(repository, 'bench/client/fleet.ts'), ready.gateway, caFile, token, 'tls']),
    'fleet',
  );
  fleet.process.stdin!.write(`connect ${sessions} 20\n`);
  await fleet.next();
  const unwatched = await idle();
  const { page } = await open();
  await sleep(REST_MS);
  const shown = await idle();
  const frames = await page.evaluate<number[]>(`new Promise((resolve) => {
    const list = document.querySelector('.list-sessions');
    const frames = [];
    let before = performance.now();
    const step = () => {
      const now = performance.now();
      frames.push(now - before);
      before = now;
      list.scrollTop += 900;
      if (frames.length < 150) requestAnimationFrame(step);
      else resolve(frames.slice(1));
    };
    requestAnimationFrame(step);
  })`);
  const elements = await page.evaluate<number>('document.querySelectorAll("*").length');
  const sorted = frames.toSorted((a, b) => a - b);
  console.log(
    `${sessions} sessions  ${digits(unwatched)} ms CPU of the gateway a second, with the dashboard open ${digits(shown)} (${((shown - unwatched) / 10).toFixed(1)} % of a core); ${elements} elements`,
  );
  console.log(
    `scrolling        ${digits(median(frames))} ms a frame, 95 % within ${digits(sorted[Math.floor(frames.length * 0.95)]!)}, least ${digits(least(frames))}, most ${digits(sorted.at(-1)!)}`,
  );
  fleet.process.kill();
} finally {
  await browser.close();
  server.kill();
  rmSync(folder, { recursive: true, force: true });
}
