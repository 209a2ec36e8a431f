// What sim.reset() takes: with nothing to do, with sessions to end, and with a directory, keys, clock and certificates to put back. The
// sessions are the bundled client's, in this process; "start" is what a new simulator in this process costs instead, the peer of the others.
//
//   node bench/simulator/reset.ts [sessions] [runs]
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { ownCpuSeconds } from '../lib/cpu.ts';
import { medianAndLeast, times } from '../lib/figures.ts';

const sessions = Number(process.argv[2] ?? 100);
const runs = Number(process.argv[3] ?? 10);
/** Most simulators that are started for comparison. */
const STARTS = 5;

/** @param cpu milliseconds of processor time, of the clients in this process too */
function line(name: string, values: readonly number[], cpu?: readonly number[]): string {
  const compared =
    cpu === undefined ? '' : `, ${times(values, starts)} a start; ${medianAndLeast(cpu)} ms of processor time`;
  return `${name.padEnd(34)} ${medianAndLeast(values)} ms${compared}`;
}

/** Milliseconds that new simulators take to start, the compiler's first one not counted. */
const starts: number[] = [];
for (let i = 0; i < Math.min(runs, STARTS) + 1; i++) {
  const begin = performance.now();
  const fresh = await startSimulator();
  if (i > 0) starts.push(performance.now() - begin);
  await fresh.close();
}
console.log(line('start, for comparison', starts));
const sim = await startSimulator();

async function connectAll(): Promise<void> {
  const token = await sim.token();
  const connect = () => TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token, timeout: 60_000 });
  // Some at a time: a handshake costs far more than a reset.
  for (let left = sessions; left > 0; left -= 10) {
    await Promise.all(Array.from({ length: Math.min(10, left) }, connect));
  }
}

/** How long resets take, each after the same work. */
async function measure(name: string, prepare: () => Promise<unknown>): Promise<void> {
  const values: number[] = [];
  const cpu: number[] = [];
  for (let run = 0; run < runs; run++) {
    await prepare();
    const before = performance.now();
    const used = ownCpuSeconds();
    await sim.reset();
    values.push(performance.now() - before);
    cpu.push((ownCpuSeconds() - used) * 1000);
  }
  console.log(line(name, values, cpu));
}

await measure('reset, nothing to do', async () => {});
await measure(`reset, ${sessions} sessions`, connectAll);
await measure('reset, 1000 users to put back', async () => {
  const { users } = sim.identity.directory.defaultTenant;
  for (let i = 0; i < 1000; i++) users.add({ userPrincipalName: `user${i}@contoso.com` });
});
await measure('reset, clock and certificates', () => sim.clock.advance('400d'));
await measure('reset, keys', () => sim.identity.keys.rotate());
await sim.close();
