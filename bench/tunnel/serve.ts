/**
 * The simulator in a process of its own, for the benchmark. Prints one line of JSON when it is ready; ends with its input, and then writes
 * its counters to the file named by BENCH_STATS.
 */
import { writeFileSync } from 'node:fs';
import { constants, type NodeGCPerformanceDetail, PerformanceObserver } from 'node:perf_hooks';
import { startSimulator } from '../../src/index.ts';

const [host = '127.0.0.1', name = 'localhost', accelerate = 'true'] = process.argv.slice(2);
const sim = await startSimulator({
  gateway: { host, port: 4443, names: [name], dpd: 90 },
  acceleration: accelerate === 'true',
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
const tokens: string[] = [];
for (let i = 0; i < 2; i++) tokens.push(await sim.token());
console.log(JSON.stringify({ ca: sim.ca, tokens }));
process.stdin.resume();
process.stdin.on('end', async () => {
  if (process.env.BENCH_STATS)
    writeFileSync(process.env.BENCH_STATS, JSON.stringify({ collections, ...sim.gateway.stats() }, undefined, 1));
  await sim.close();
  process.exit(0);
});
