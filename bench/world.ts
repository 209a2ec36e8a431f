/*
 * Virtual seconds per real second: how fast a world's time passes. Each line is a world of its own; what counts is the CPU time of all threads of the
 * process, so that other programs on the machine change less. Of several runs, the least says most. Clients connect before, in seconds that are told by
 * themselves: a sign-in with its signatures and two handshakes costs as much as many pages. Of the working day everything counts, from its first
 * virtual moment to its last.
 *
 *   node bench/world.ts [share of the time, such as 0.1] [--day] [--memory]
 *
 * --day: only the working day, eight hours of ten clients.
 * --memory: how many bytes of V8's heap are allocated for each page, by sampling. Other programs on the machine change nothing about that; the times
 *   are longer then.
 */
import { type HeapProfiler, Session } from 'node:inspector/promises';
import { parseArgs } from 'node:util';
import { parseDuration } from '../src/lib/duration.ts';
import { createWorld, type WorldOptions } from '../src/world/index.ts';

interface Run {
  readonly name: string;
  readonly options: WorldOptions;
  readonly duration: string;
  /** UDP is gone between these two shares of the time. */
  readonly outage?: readonly [number, number];
  /** That clients connect counts as well. */
  readonly whole?: boolean;
}

/** Virtual time in which all clients have connected and begun to fetch pages. */
const ARRIVAL = '5s';

const DAY_CONFIG: WorldOptions['config'] = { gateway: { rekeyTime: 3600, sessionTimeout: null } };

const RUNS: readonly Run[] = [
  { name: '1 client, a page each second', options: { clients: 1, browse: '1s' }, duration: '10m' },
  { name: '10 clients, a page each second', options: { clients: 10, browse: '1s' }, duration: '3m' },
  { name: '100 clients, a page each second', options: { clients: 100, browse: '1s' }, duration: '1m' },
  { name: '100 clients, a page each 10 s', options: { clients: 100, browse: '10s' }, duration: '10m' },
];

const DAY: Run = {
  name: '10 clients over 3G, a page each 10 s, new keys each hour, no UDP for 10 minutes',
  options: { clients: 10, browse: '10s', link: '3g', nat: 'easy', config: DAY_CONFIG },
  duration: '8h',
  outage: [0.5, 0.5 + 1 / 48],
  whole: true,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { day: { type: 'boolean' }, memory: { type: 'boolean' } },
});
const share = Number(positionals[0] ?? 1);
await (await createWorld()).close(); // Keys and code, which the first world waits for.

/** Bytes that were allocated and, for the most part, collected again. */
const sizeOf = ({ selfSize, children }: HeapProfiler.SamplingHeapProfileNode): number =>
  selfSize + children.reduce((sum, child) => sum + sizeOf(child), 0);

const SAMPLING = {
  samplingInterval: 8192,
  includeObjectsCollectedByMajorGC: true,
  includeObjectsCollectedByMinorGC: true,
};
const inspector = new Session();
if (values.memory) inspector.connect();

/** Seconds of CPU since `begin`, of all threads. */
const cpuSince = (begin: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e6;
};

for (const { name, options, duration, outage, whole } of values.day ? [DAY] : [...RUNS, DAY]) {
  await using world = await createWorld(options);
  const pages = (): number => world.clients.reduce((sum, client) => sum + client.pages.fetched, 0);
  const arrival = process.cpuUsage();
  if (!whole) await world.run(ARRIVAL);
  const connecting = (cpuSince(arrival) / world.clients.length) * 1000;
  const before = pages();
  const virtual = parseDuration(duration) * share;
  const rekeyed = (): number => world.notes.filter((note) => note.endsWith(' is rekeying')).length;
  if (outage) {
    world.after(virtual * outage[0], () => {
      for (const client of world.clients) client.cutUdp();
    });
    world.after(virtual * outage[1], () => {
      for (const client of world.clients) client.restoreUdp();
    });
  }
  if (values.memory) await inspector.post('HeapProfiler.startSampling', SAMPLING);
  const begin = process.cpuUsage();
  const began = performance.now();
  await world.run(virtual);
  const cpu = cpuSince(begin);
  const real = (performance.now() - began) / 1000;
  const fetched = pages() - before;
  const failed = world.clients.reduce((sum, client) => sum + client.pages.failed, 0);
  const sampled = values.memory ? await inspector.post('HeapProfiler.stopSampling') : undefined;
  const memory = sampled && `, ${(sizeOf(sampled.profile.head) / 1024 / Math.max(1, fetched)).toFixed(1)} KiB a page`;
  const ratio = virtual / 1000 / cpu;
  console.log(
    `${name}: ${Math.round(ratio)} virtual seconds per second of CPU (${(virtual / 1000).toFixed(0)} s in ${cpu.toFixed(1)} s, ${real.toFixed(1)} s real); ` +
      `${fetched} pages, ${failed} failed, ${rekeyed()} rekeys, ${((cpu * 1e6) / Math.max(1, fetched)).toFixed(0)} µs a page${memory ?? ''}` +
      (whole ? '' : `; before, ${connecting.toFixed(1)} ms a client in its first ${ARRIVAL}`),
  );
}
