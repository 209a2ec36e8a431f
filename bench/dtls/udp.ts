/**
 * Echo of 1400-byte records, handshakes and idle associations over UDP, with the prototypes' OpenSSL client as load and
 * the prototype's server in turns with ours. Needs the prototypes and a C compiler with OpenSSL's headers.
 *
 *   TUNNELITE_PROTOTYPES=… node bench/dtls/udp.ts [seconds] [idle associations]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { prototypeFolder } from './prototype.ts';

const seconds = Number(process.argv[2] ?? 3);
const idle = Number(process.argv[3] ?? 2000);
const CIPHER = 'PSK-AES128-GCM-SHA256';
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
  { name: 'tunnelite plain', args: ours('plain') },
  { name: 'prototype plain', args: theirs('ts', '') },
  { name: 'tunnelite evp', args: ours('evp') },
  { name: 'prototype evp', args: theirs('tsevp', '') },
  { name: 'tunnelite batched', args: ours('batched') },
  { name: 'prototype batched', args: theirs('tsevp', 'mm') },
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

async function measure(kind: Kind): Promise<string> {
  port++;
  const child = spawn(process.execPath, kind.args(port), { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await line(child, /ready/);
    const pid = child.pid!;
    const tput = await run(['t', String(port), String(seconds), '4', '32', '1400', CIPHER]);
    const echo = Number(/= (\d+) rec/.exec(tput)?.[1]);
    const before = cpuSeconds(pid);
    const hs = await run(['h', String(port), String(seconds), '16', '0', '0', CIPHER, '100000']);
    const handshakes = Number(/hs ok (\d+)/.exec(hs)?.[1]);
    const perCpu = handshakes / (cpuSeconds(pid) - before);
    child.kill('SIGUSR2');
    const first = JSON.parse(await line(child, /\{.*\}/)) as { rss: number; heap: number; size?: number };
    const loading = run(['i', String(port), '8', String(idle), '0', '0', CIPHER, '500000']);
    await new Promise((resolve) => setTimeout(resolve, 7000));
    child.kill('SIGUSR2');
    const second = JSON.parse(await line(child, /\{.*\}/)) as { rss: number; heap: number; size?: number };
    await loading;
    const bytes = (second.rss - first.rss) / idle;
    return (
      `echo ${echo} records/s each way, ${perCpu.toFixed(0)} handshakes per CPU second, ` +
      `${(bytes / 1024).toFixed(1)} KB RSS and ${((second.heap - first.heap) / idle / 1024).toFixed(1)} KB heap per idle association`
    );
  } finally {
    child.kill('SIGKILL');
  }
}

for (const kind of kinds) console.log(`${kind.name.padEnd(18)} ${await measure(kind)}`);
