// Start to ready, as a person sees it: from the call of the program to its readiness line, which comes only after the
// gateway and Entra ID have answered over real connections. Cold: no certificates, no compiled code. Warm: a later start.
//
//   node bench/startup.ts [runs]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../src/cli/main.ts');
const runs = Number(process.argv[2] ?? 5);

async function start(folder: string): Promise<number> {
  const begin = performance.now();
  const args = [MAIN, 'start', '--port', '0', '--certs', join(folder, 'certs'), '--log-level', 'silent', '--json'];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(folder, 'cache') },
  });
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const ready = await new Promise<number>((resolve, reject) => {
    child.stdout.once('data', () => resolve(performance.now() - begin));
    child.on('close', (code) => reject(new Error(`ended with ${code} before it was ready`)));
  });
  child.kill('SIGTERM');
  await ended;
  return ready;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;
}

function line(name: string, values: readonly number[]): string {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.round);
  return `${name.padEnd(5)} start to ready: ${Math.round(median(values))} ms (median of ${values.length}, ${low} to ${high})`;
}

const cold: number[] = [];
const warm: number[] = [];
for (let run = 0; run < runs; run++) {
  const folder = mkdtempSync(join(tmpdir(), 'tunnelite-startup-'));
  try {
    cold.push(await start(folder));
    await start(folder); // The compiled code of the first run is complete only now.
    warm.push(await start(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(line('cold', cold));
console.log(line('warm', warm));
