// What an event costs the simulator: with nobody who listens, with one listener in process, and with ten readers that follow the journal
// over HTTP (server-sent events) from another process. Processor time of the simulator's process, until every reader has every event;
// readers are shown beside nobody, in the same run. A few events at a time, as they come.
//
//   node bench/journal/main.ts [events] [events a turn]
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { startSimulator } from '../../src/index.ts';
import { ownCpuSeconds } from '../lib/cpu.ts';
import { medianAndLeast, times } from '../lib/figures.ts';

const events = Number(process.argv[2] ?? 50_000);
const perTurn = Number(process.argv[3] ?? 10);
const READERS = 10;
/** Measurements of each kind, in turn; those with readers, which are long, in each third turn. */
const RUNS = 9;
const READ_EVERY = 3;
/** Events in flight: fewer than the journal has room for, so that a reader that is late loses none. */
const WINDOW = 1000;

const sim = await startSimulator();
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Microseconds of processor time for each event. */
async function measure(count: number, taken: () => Promise<unknown>): Promise<number> {
  const before = ownCpuSeconds();
  for (let done = 0; done < count; ) {
    const end = Math.min(count, done + WINDOW);
    while (done < end) {
      for (let i = 0; i < perTurn && done < end; i++, done++) {
        sim.emit('auth.challenge', { remote: '127.0.0.1:50000', agent: 'Open AnyConnect VPN Agent v9.01' });
      }
      await turn();
    }
    await taken();
  }
  return ((ownCpuSeconds() - before) * 1e6) / count;
}

const nothing = async (): Promise<void> => {};

/** Ten readers in another process, until each of them has every event. */
async function withReaders(): Promise<number> {
  const child = fork(new URL('readers.ts', import.meta.url), [sim.admin.url, `${READERS}`, `${sim.journal.mark()}`], {
    env: { ...process.env, ADMIN_SECRET: sim.admin.secret },
  });
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`The readers have ended (${code ?? signal}).`);
  });
  ended.catch(() => {});
  const taken = async (): Promise<void> => {
    const answer = once(child, 'message');
    child.send(sim.journal.mark());
    await Promise.race([answer, ended]);
  };
  await measure(Math.min(events, 5 * WINDOW), taken); // until all of them follow, and once for the compiler
  const each = await measure(events, taken);
  child.disconnect();
  await ended.catch(() => {});
  return each;
}

await measure(events, nothing); // once for the compiler
const alone: number[] = [];
const heard: number[] = [];
const read: number[] = [];
let calls = 0;
for (let run = 0; run < RUNS; run++) {
  alone.push(await measure(events, nothing));
  const stop = sim.subscribe(() => calls++);
  heard.push(await measure(events, nothing));
  stop();
  if (run % READ_EVERY === 0) read.push(await withReaders());
}
if (calls < RUNS * events) throw new Error(`The listener was called ${calls} times for ${RUNS * events} events.`);

const line = (name: string, microseconds: readonly number[]): void =>
  console.log(
    `${name.padEnd(16)} ${medianAndLeast(microseconds)} µs of processor time an event, ${times(microseconds, alone)} nobody`,
  );
console.log(`${events} events, ${perTurn} a turn; median (least)`);
line('nobody', alone);
line('one listener', heard);
line(`${READERS} SSE readers`, read);
await sim.close();
