/**
 * What a load test costs: CPU of generator and gateway for each login, for each fall back to TLS, and for idle clients, memory of
 * each client, and whether all that grows as the number of clients does.
 *
 *   node bench/load/main.ts [clients] [more clients] [logins per second] [seconds idle]
 *
 * The gateway is a process of its own, and so is each run of the generator. Growth is the cost per client of the larger number by that of
 * the smaller one. CPU is that of the processes, so that it tells the same on a busy machine. Needs nothing but Node.js.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadResult, Usage } from '../../src/load/index.ts';
import { Child } from '../lib/child.ts';
import { digits } from '../lib/figures.ts';
import { options } from '../lib/options.ts';

const { numbers } = options();
const [few = 500, many = 5000, rate = 100, idle = 20] = numbers;

interface Cost {
  readonly clients: number;
  /** Milliseconds of CPU, of generator and gateway. */
  readonly login: readonly [number, number];
  readonly fallback: readonly [number, number];
  /** Seconds of CPU for an hour of one idle client. */
  readonly hour: readonly [number, number];
  /** KiB of a client in the generator. */
  readonly memory: number;
  readonly result: LoadResult;
}

const directory = mkdtempSync(join(tmpdir(), 'tunnelite-bench-'));

/** Seconds of CPU between two times of a run, in milliseconds since its start. */
function cpu({ cpu: shares }: Usage, { t, every }: LoadResult['series'], from: number, to: number): number {
  return shares.reduce<number>(
    (sum, share, i) => (t[i]! > from && t[i]! - every < to ? sum + ((share ?? 0) * every) / 1000 : sum),
    0,
  );
}

async function measure(clients: number): Promise<Cost> {
  const gateway = new Child(
    spawn(process.execPath, [join(import.meta.dirname, '../client/gateway.ts')], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
    'The gateway',
  );
  const { url, ca, token } = await gateway.next<{
    readonly url: string;
    readonly ca: string;
    readonly token: string;
  }>();
  const file = (name: string, text: string): string => {
    const path = join(directory, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const plan = {
    name: `${clients} clients`,
    clients,
    server: new URL(url).host,
    token: { file: file('token', token) },
    traffic: { every: `${Math.max(1, clients / 500)}s` },
    lag: '1h',
    phases: [
      { phase: 'login storm', for: `${Math.ceil(clients / rate) * 10}s`, until: 'done', arrivals: { constant: rate } },
      { phase: 'steady', for: `${idle}s` },
      { phase: 'udp blackout', for: '120s', until: 'done' },
    ],
  };
  const out = join(directory, `result-${clients}.json`);
  const args = [
    'load',
    file('plan.json', JSON.stringify(plan)),
    '--cacert',
    file('ca.pem', ca),
    '--pid',
    String(gateway.process.pid),
    '--out',
    out,
    '--json',
  ];
  const run = spawn(process.execPath, [join(import.meta.dirname, '../../src/cli/main.js'), ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  run.stderr.on('data', (text) => {
    said += text;
  });
  await new Promise((resolve) => run.once('close', resolve));
  gateway.process.stdin!.end();
  let result: LoadResult;
  try {
    result = JSON.parse(readFileSync(out, 'utf8')) as LoadResult;
  } catch {
    throw new Error(`The load test came to no result.\n${said}`);
  }
  const { series, phases, totals } = result;
  const both = (from: number, to: number, by: number): readonly [number, number] => [
    cpu(series.generator, series, from, to) * by,
    cpu(series.gateway!, series, from, to) * by,
  ];
  const [login, steady, blackout] = phases as [
    LoadResult['phases'][0],
    LoadResult['phases'][0],
    LoadResult['phases'][0],
  ];
  const rss = series.generator.rss.filter((bytes) => bytes !== null);
  return {
    clients,
    login: both(login.from, login.to, 1000 / totals.counters['login.done']),
    // The first and the last interval are shared with the neighbours.
    hour: both(
      steady.from + series.every,
      steady.to - series.every,
      3600 / clients / Math.max(1, (steady.to - steady.from) / 1000),
    ),
    fallback: both(blackout.from, blackout.to, 1000 / Math.max(1, totals.counters['fallback.done'])),
    memory: (Math.max(...rss) - rss[0]!) / 1024 / clients,
    result,
  };
}

const costs: Cost[] = [];
for (const clients of [few, many]) {
  const cost = await measure(clients);
  costs.push(cost);
  const { login, fallback, hour, memory, result } = cost;
  const { counters, times } = result.totals;
  const pair = ([generator, gateway]: readonly [number, number]): string =>
    `${digits(generator)} generator, ${digits(gateway)} gateway`;
  console.log(
    `${String(clients).padStart(6)} clients: login ${pair(login)} ms CPU; fallback ${pair(fallback)} ms CPU; idle with requests ${pair(hour)} s CPU an hour; ${digits(memory)} KiB each; ` +
      `${counters['login.done']} in, ${counters['fallback.done']} fell back (p99 ${digits((times.fallback?.p99 ?? Number.NaN) / 1e6)} s), ${counters['fallback.never']} never, ${counters.refusals} refusals`,
  );
}
const [small, large] = costs as [Cost, Cost];
const growth = (of: (cost: Cost) => number): string => (of(large) / of(small)).toFixed(2);
console.log(
  `growth of the cost per client: login ${growth(({ login }) => login[0])} generator, ${growth(({ login }) => login[1])} gateway; ` +
    `fallback ${growth(({ fallback }) => fallback[0])} generator, ${growth(({ fallback }) => fallback[1])} gateway; memory ${growth(({ memory }) => memory)}`,
);
console.log(`${Math.floor(1000 / small.login[0])} logins per second and core of the generator`);
rmSync(directory, { recursive: true, force: true });
process.exit(0);
