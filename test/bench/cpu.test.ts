import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import t from 'tap';
import { cpuMeter } from '../../bench/lib/cpu.ts';
import { threadTimes } from '../../bench/lib/processes.ts';

const skip = process.platform === 'linux' ? false : 'reads /proc';

/** A shell that works when told, and starts what it is told to; each line of its input answered by one of output. */
function worker(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    child,
    async work(): Promise<string> {
      child.stdin.write('go\n');
      return (await lines.next()).value as string;
    },
    async end(): Promise<void> {
      const ended = once(child, 'close');
      child.stdin.end();
      await ended;
    },
  };
}

t.test(
  'processes that have ended before anybody looked are counted',
  { skip: process.getuid?.() === 0 ? skip : 'needs root' },
  async (t) => {
    const shell = worker('/bin/sh', [
      '-c',
      'while read -r _; do for i in 1 2 3 4 5 6 7 8 9 10; do /bin/true; done; echo done; done',
    ]);
    const meter = cpuMeter([shell.child.pid!]);
    if (meter.source !== 'cgroup') t.equal(meter.source, 'schedstat', 'no control groups can be made here');
    else {
      await shell.work();
      const all = meter.seconds();
      // What the shell itself ran is less than half of it: each of the ten replaced itself by another program.
      const own = [...threadTimes(shell.child.pid!).values()].reduce((sum, time) => sum + time, 0) / 1e9;
      t.ok(all > 2 * own, 'more than the shell itself has used', { all, own });
    }
    await shell.end();
    meter.close();
  },
);

const BURN = `
let sum = 0;
process.stdin.on('data', () => {
  const before = process.cpuUsage();
  for (let i = 0; i < 2e7; i++) sum += Math.sqrt(i);
  const { user, system } = process.cpuUsage(before);
  console.log(String((user + system) / 1e6));
});`;

for (const sampled of [false, true]) {
  t.test(`the meter agrees with the process itself${sampled ? ', without root too' : ''}`, { skip }, async (t) => {
    const burner = worker(process.execPath, ['--eval', BURN]);
    await burner.work();
    const meter = cpuMeter([burner.child.pid!], { sampled });
    const told = Number(await burner.work());
    const seen = meter.seconds();
    // The compiler's threads and the printing come on top; half as much is far too little and many times as much far too much.
    t.ok(seen > told / 2 && seen < told * 5, 'as much as it says', { told, seen, source: meter.source });
    if (sampled) t.equal(meter.source, 'schedstat');
    await burner.end();
    meter.close();
  });
}
