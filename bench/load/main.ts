/**
 * What a load test costs: CPU of generator and gateway for each login, for each fall back to TLS, and for idle clients, memory of
 * each client, and whether all that grows as the number of clients does.
 *
 *   node bench/load/main.ts [clients] [more clients] [logins per second] [seconds idle]
 *
 * The gateway is a process of its own, and so is each run of the generator. Growth is the cost per client of the larger number by that of
 * the smaller one. CPU is that of the processes, to the nanosecond, so that it tells the same on a busy machine and of few clients. Needs
 * nothing but Node.js, and Linux.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadResult } from '../../src/load/index.ts';
import { Child } from '../lib/child.ts';
import { cpuMeter } from '../lib/cpu.ts';
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

/** How often it is looked what the processes have used, in milliseconds. */
const LOOK_EVERY_MS = 20;

/** What processes have used at each time. */
class CpuCourse {
  readonly #meters: readonly ReturnType<typeof cpuMeter>[];
  readonly #points: { readonly at: number; readonly seconds: readonly number[] }[] = [];
  readonly #timer: NodeJS.Timeout;

  /** @param processes by their ids */
  constructor(processes: readonly number[]) {
    this.#meters = processes.map((id) => cpuMeter([id]));
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  #look(): void {
    this.#points.push({ at: Date.now(), seconds: this.#meters.map((meter) => meter.seconds()) });
  }

  /** Looks no more. */
  stop(): void {
    clearInterval(this.#timer);
  }

  /** Once the processes have ended. */
  close(): void {
    for (const meter of this.#meters) meter.close();
  }

  /** Seconds of CPU of each process between two times of the wall clock, in milliseconds. */
  between(from: number, to: number): readonly number[] {
    const [before, after] = [this.#at(from), this.#at(to)];
    return after.map((seconds, i) => seconds - before[i]!);
  }

  /** Between two looks it is taken to be used evenly. */
  #at(time: number): readonly number[] {
    const points = this.#points;
    const next = points.find(({ at }) => at >= time) ?? points.at(-1)!;
    const last = points.findLast(({ at }) => at <= time) ?? points[0]!;
    const share = next.at > last.at ? (time - last.at) / (next.at - last.at) : 0;
    return last.seconds.map((seconds, i) => seconds + (next.seconds[i]! - seconds) * share);
  }
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
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  // With --json an error is a line of the output.
  let said = '';
  for (const stream of [run.stdout, run.stderr]) {
    stream.on('data', (text) => {
      if (said.length < 4_000) said += text;
    });
  }
  const course = new CpuCourse([run.pid!, gateway.process.pid!]);
  await new Promise((resolve) => run.once('close', resolve));
  course.stop();
  const gone = new Promise((resolve) => gateway.process.once('close', resolve));
  gateway.process.stdin!.end();
  await gone;
  course.close();
  let result: LoadResult;
  try {
    result = JSON.parse(readFileSync(out, 'utf8')) as LoadResult;
  } catch {
    throw new Error(`The load test came to no result.\n${said}`);
  }
  const { meta, series, phases, totals } = result;
  const { counters } = totals;
  if (counters['login.done'] < clients) {
    throw new Error(`Of ${clients} clients ${counters['login.done']} came in: ${JSON.stringify(totals.refusals)}`);
  }
  const start = Date.parse(meta.startedAt);
  const both = (from: number, to: number, by: number): readonly [number, number] => {
    const [generator, own] = course.between(start + from, start + to) as [number, number];
    return [generator * by, own * by];
  };
  const [login, steady, blackout] = phases as [
    LoadResult['phases'][0],
    LoadResult['phases'][0],
    LoadResult['phases'][0],
  ];
  const rss = series.generator.rss.filter((bytes) => bytes !== null);
  return {
    clients,
    login: both(login.from, login.to, 1000 / clients),
    hour: both(steady.from, steady.to, 3_600_000 / clients / (steady.to - steady.from)),
    fallback: both(blackout.from, blackout.to, 1000 / clients),
    memory: rss.length === 0 ? 0 : (Math.max(...rss) - rss[0]!) / 1024 / clients,
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
      `${counters['login.done']} in, ${counters['fallback.done']} fell back (p99 ${times.fallback ? `${digits(times.fallback.p99 / 1e6)} s` : '–'}), ${counters['fallback.never']} never, ${counters.refusals} refusals`,
  );
}
const [small, large] = costs as [Cost, Cost];
/** Of few clients some may be too little to be seen. */
const growth = (of: (cost: Cost) => number): string => (of(small) > 0 ? (of(large) / of(small)).toFixed(2) : '–');
console.log(
  `growth of the cost per client: login ${growth(({ login }) => login[0])} generator, ${growth(({ login }) => login[1])} gateway; ` +
    `fallback ${growth(({ fallback }) => fallback[0])} generator, ${growth(({ fallback }) => fallback[1])} gateway; memory ${growth(({ memory }) => memory)}`,
);
console.log(`${Math.floor(1000 / small.login[0])} logins per second and core of the generator`);
rmSync(directory, { recursive: true, force: true });
process.exit(0);
