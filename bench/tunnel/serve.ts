/** The simulator in a process of its own, for the benchmark. Prints one line of JSON when it is ready; ends with its input. */
import { writeFileSync } from 'node:fs';
import { startSimulator } from '../../src/index.ts';

const [host = '127.0.0.1', name = 'localhost', accelerate = 'true'] = process.argv.slice(2);
const sim = await startSimulator({
  gateway: { host, port: 4443, names: [name], dpd: 90 },
  acceleration: accelerate === 'true',
});
const tokens: string[] = [];
for (let i = 0; i < 2; i++) tokens.push(await sim.token());
console.log(JSON.stringify({ ca: sim.ca, tokens }));
process.stdin.resume();
process.stdin.on('end', async () => {
  if (process.env.BENCH_STATS)
    writeFileSync(process.env.BENCH_STATS, JSON.stringify(sim.gateway.stats(), undefined, 1));
  await sim.close();
  process.exit(0);
});
