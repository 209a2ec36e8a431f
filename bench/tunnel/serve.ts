/**
 * The simulator in a process of its own, for the benchmarks. Prints one line of JSON when it is ready, and answers each line of its
 * input with another: `gc` collects garbage and tells the bytes of V8's young generation, `stats` tells counters and collections. Ends with its input, and then writes the answer to
 * `stats` to the file named by BENCH_STATS.
 *
 *   node bench/tunnel/serve.ts <address> <name> <acceleration: true | false> [folder of another checkout]
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { getHeapSpaceStatistics } from 'node:v8';
import { collectGarbage } from '../lib/garbage.ts';

const [host = '127.0.0.1', name = 'localhost', acceleration = 'true', checkout] = process.argv.slice(2);
const source = pathToFileURL(join(checkout ?? join(import.meta.dirname, '../..'), 'src/index.ts'));
const { startSimulator } = (await import(source.href)) as typeof import('../../src/index.ts');
const sim = await startSimulator({
  gateway: {
    ...{ host, port: 4443, names: [name], network: '10.64.0.0/14', maxSessions: 200_000 },
    // Nothing of these happens while it is measured.
    ...{ dpd: 1800, sessionTimeout: null, cookieTimeout: 3600 },
  },
  acceleration: acceleration === 'true',
});
/** Collections by kind: how many, and their milliseconds. */
const collections: Record<string, [count: number, milliseconds: number]> = {};
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    const { kind } = (entry as unknown as { readonly detail: NodeGCPerformanceDetail }).detail;
    const name =
      Object.entries(constants).find(([key, value]) => key.startsWith('NODE_PERFORMANCE_GC_') && value === kind)?.[0] ??
      String(kind);
    const [count, milliseconds] = collections[name] ?? [0, 0];
    collections[name] = [count + 1, milliseconds + entry.duration];
  }
}).observe({ entryTypes: ['gc'] });
const stats = (): string => JSON.stringify({ collections, ...sim.gateway.stats() });

/** Bytes of memory that V8 has for young objects. It grows with the pace of the work, not with the number of sessions. */
const youngGeneration = (): number =>
  getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.physical_space_size ?? 0;

const tokens: string[] = [];
for (let i = 0; i < 2; i++) tokens.push(await sim.token());
console.log(JSON.stringify({ ca: sim.ca, tokens }));
for await (const line of createInterface({ input: process.stdin })) {
  if (line === 'gc') collectGarbage();
  console.log(line === 'stats' ? stats() : JSON.stringify({ young: youngGeneration() }));
}
if (process.env.BENCH_STATS) writeFileSync(process.env.BENCH_STATS, stats());
await sim.close();
process.exit(0);
