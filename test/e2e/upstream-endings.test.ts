import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import t from 'tap';

/* However an upstream ends its connections, a process that closed everything comes to its end, and does nothing on the way. */

const ROUNDS = Number(process.env['TUNNELITE_ENDINGS'] ?? 2);
/** CPU from the end of everything to the end of the process, in seconds. A loop that turns in circles has no bound. */
const MOST = 3;

t.setTimeout(120_000 + ROUNDS * 20_000);

t.test(`a process ends after ${ROUNDS * 64} connections that an upstream ended in every way`, async (t) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, '../support/upstream-endings.ts'), String(ROUNDS)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(code, 0);
  const [closed, ended] = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, number>);
  t.equal(closed!['done'], ROUNDS * 64);
  const seconds = (ended!['after']! - closed!['closedAt']!) / 1e6;
  t.ok(seconds < MOST, `${seconds} s of CPU after everything was closed`);
});
