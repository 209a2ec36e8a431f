/**
 * Echo of 1400-byte records, handshakes and idle associations over UDP, with the prototypes' OpenSSL client as load and
 * the prototype's server in turns with ours. Needs the prototypes and a C compiler with OpenSSL's headers.
 *
 *   TUNNELITE_PROTOTYPES=… node bench/dtls/udp.ts [seconds] [idle associations] [rounds]
 *
 * The contenders take turns, and the best round of each counts: the load shares the machine with what it loads.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { prototypeFolder } from './prototype.ts';

const seconds = Number(process.argv[2] ?? 3);
const idle = Number(process.argv[3] ?? 2000);
const rounds = Number(process.argv[4] ?? 3);
const CIPHER = 'PSK-AES128-GCM-SHA256';
/** How long the idle associations are held; the memory is read a second before. */
const HOLD_SECONDS = 5;
/** Clock ticks per second of /proc/…/stat. */
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

const folder = prototypeFolder();
if (!folder) {
  console.log('Set TUNNELITE_PROTOTYPES to the folder of the prototypes: their client makes the load.');
  process.exit(0);
}
const load = join(folder, 'dload');
execFileSync('cc', ['-O2', '-w', '-o', load, join(folder, 'dload.c'), '-lssl', '-lcrypto']);

interface Kind {
  readonly name: string;
  readonly mode: string;
  readonly args: (port: number) => string[];
}

const ours = (mode: string) => (port: number) => ['--expose-gc', 'bench/dtls/serve.ts', String(port), mode];
const theirs = (engine: string, flags: string) => (port: number) => [
  '--expose-gc',
  join(folder, 'srv.mjs'),
  engine,
  String(port),
  flags,
];
const kinds: Kind[] = [
  { name: 'tunnelite', mode: 'plain', args: ours('plain') },
  { name: 'prototype', mode: 'plain', args: theirs('ts', '') },
  { name: 'tunnelite', mode: 'evp', args: ours('evp') },
  { name: 'prototype', mode: 'evp', args: theirs('tsevp', '') },
  { name: 'tunnelite', mode: 'batched', args: ours('batched') },
  { name: 'prototype', mode: 'batched', args: theirs('tsevp', 'mm') },
];

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!.iterator({ destroyOnReturn: false })) {
    text += chunk;
    const match = pattern.exec(text);
    if (match) return match[0];
  }
  throw new Error(`the process ended: ${text}`);
}

async function run(args: string[]): Promise<string> {
  const child = spawn(load, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  child.stdout.on('data', (chunk: Buffer) => (text += chunk));
  await once(child, 'close');
  return text;
}

let port = 5800 + (process.pid % 1000) * 10;

interface Result {
  /** Records per second, each way. */
  echo: number;
  /** Per CPU second of the server. */
  handshakes: number;
  /** KB of process memory per idle association. */
  memory: number;
}

async function measure(kind: Kind): Promise<Result> {
  port++;
  const child = spawn(process.execPath, kind.args(port), { stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    await line(child, /ready/);
    const pid = child.pid!;
    // Warm: what compiles meanwhile competes with the load for the processor.
    await run(['t', String(port), '1', '4', '32', '1400', CIPHER]);
    const tput = await run(['t', String(port), String(seconds), '4', '32', '1400', CIPHER]);
    const before = cpuSeconds(pid);
    const hs = await run(['h', String(port), String(seconds), '16', '0', '0', CIPHER, '100000']);
    const handshakes = Number(/hs ok (\d+)/.exec(hs)?.[1]) / (cpuSeconds(pid) - before);
    child.kill('SIGUSR2');
    const first = JSON.parse(await line(child, /\{.*\}/)) as { rss: number };
    const loading = run(['i', String(port), String(HOLD_SECONDS), String(idle), '0', '0', CIPHER, '500000']);
    await setTimeout((HOLD_SECONDS - 1) * 1000);
    child.kill('SIGUSR2');
    const second = JSON.parse(await line(child, /\{.*\}/)) as { rss: number };
    await loading;
    const echo = Number(/= (\d+) rec/.exec(tput)?.[1]);
    return { echo, handshakes, memory: (second.rss - first.rss) / idle / 1024 };
  } finally {
    child.kill('SIGKILL');
  }
}

const best = new Map<Kind, Result>();
for (let round = 0; round < rounds; round++) {
  for (const kind of kinds) {
    const result = await measure(kind);
    const so = best.get(kind) ?? { echo: 0, handshakes: 0, memory: Number.POSITIVE_INFINITY };
    best.set(kind, {
      echo: Math.max(so.echo, result.echo),
      handshakes: Math.max(so.handshakes, result.handshakes),
      memory: Math.min(so.memory, result.memory),
    });
  }
}
for (const [kind, { echo, handshakes, memory }] of best) {
  const other = [...best].find(([item]) => item !== kind && item.mode === kind.mode)?.[1];
  const against = kind.name.startsWith('tunnelite') ? other : undefined;
  const ratio = (a: number, b: number | undefined): string => (b ? ` (${(a / b).toFixed(2)} × prototype)` : '');
  console.log(
    `${kind.name} ${kind.mode.padEnd(8)} echo ${echo} records/s each way${ratio(echo, against?.echo)}, ` +
      `${handshakes.toFixed(0)} handshakes per CPU second${ratio(handshakes, against?.handshakes)}, ` +
      `${memory.toFixed(1)} KB RSS per idle association`,
  );
}
