/**
 * Echo of 1400-byte records, handshakes and idle associations over UDP, beside `gnutls-serv` where it is installed.
 *
 *   node bench/dtls/udp.ts [seconds] [idle associations] [rounds] [server...]
 *
 * The servers are gnutls-serv, plain, evp and batched; without a name, all of them.
 *
 * All servers get the same load, our own clients in a process of their own, and take turns. The
 * GnuTLS server serves one client at a time: "alone" is an echo with a single client, the figure that compares. Linux only,
 * for the processor time of a process.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cpuMeter } from '../lib/cpu.ts';
import { inTurns, medianAndLeast, times } from '../lib/figures.ts';

const seconds = Number(process.argv[2] ?? 3);
const idle = Number(process.argv[3] ?? 2000);
const rounds = Number(process.argv[4] ?? 3);
const only = process.argv.slice(5);
/** Clients, and the records that each has in flight. */
const CLIENTS = 4;
const FLIGHT = 32;
const KEY = '000102030405060708090a0b0c0d0e0f';

const scratch = mkdtempSync(join(tmpdir(), 'tunnelite-bench-'));
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }));
writeFileSync(join(scratch, 'keys.psk'), `psk:${KEY}\n`);

interface Kind {
  readonly name: string;
  readonly command: (port: number) => readonly [string, ...string[]];
  readonly ready: RegExp;
  /** Serves many clients at once, and tells its memory at SIGUSR2. */
  readonly ours: boolean;
}

const ours = (mode: string): Kind => ({
  name: `tunnelite, ${mode}`,
  command: (port) => [process.execPath, join(import.meta.dirname, 'serve.ts'), String(port), mode],
  ready: /ready/,
  ours: true,
});
const gnutls: Kind = {
  name: 'gnutls-serv',
  command: (port) => [
    ...(['gnutls-serv', '--quiet', '--udp', '--echo', '-p', String(port)] as const),
    ...['--pskpasswd', join(scratch, 'keys.psk'), '--priority', 'NORMAL:-KX-ALL:+PSK'],
  ],
  ready: /listening on/,
  ours: false,
};
const hasPeer = spawnSync('gnutls-serv', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasPeer) console.log('gnutls-serv is not installed (Debian: apt-get install gnutls-bin): there are no ratios.');
const kinds = [...(hasPeer ? [gnutls] : []), ours('plain'), ours('evp'), ours('batched')].filter(
  ({ name }) => only.length === 0 || only.includes(name.replace('tunnelite, ', '')),
);

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

/** The first output that matches; fails when the process ends before, or says nothing like it for a minute. */
async function line(child: ChildProcess, pattern: RegExp): Promise<string> {
  let text = '';
  const found = Promise.withResolvers<string>();
  const take = (chunk: Buffer): void => {
    text += chunk;
    const match = pattern.exec(text);
    if (match) found.resolve(match[0]);
  };
  const fail = (): void => found.reject(new Error(`no ${pattern} in: ${text}`));
  const streams = [child.stdout, child.stderr].filter((stream) => stream !== null);
  for (const stream of streams) stream.on('data', take);
  child.once('close', fail);
  const deadline = setTimeout(fail, 60_000 + seconds * 1000);
  try {
    return await found.promise;
  } finally {
    clearTimeout(deadline);
    child.off('close', fail);
    // The pipes go on being read: a full one would stop the process.
    for (const stream of streams) stream.off('data', take).resume();
  }
}

function load(kind: Kind, ...args: (string | number)[]): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'load.ts'), ...args.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, ...(kind.ours ? {} : { LOAD_KEY: KEY }) },
  });
}

async function number(child: ChildProcess): Promise<number> {
  const ended = once(child, 'exit');
  const result = Number(await line(child, /^\d+$/m));
  await ended;
  return result;
}

interface Result {
  /** Records per second, each way: with one client, and with several. */
  readonly alone: number;
  readonly echo: number;
  /** Per CPU second of the server. */
  readonly handshakes: number;
  /** KiB of process memory per idle association. */
  readonly memory: number;
}

/** Memory of each of many idle associations, in KiB. */
async function idleMemory(server: ChildProcess, kind: Kind, port: number): Promise<number> {
  const rss = async (): Promise<number> => {
    server.kill('SIGUSR2');
    return (JSON.parse(await line(server, /\{.*\}/)) as { rss: number }).rss;
  };
  const before = await rss();
  const clients = load(kind, 'idle', port, 600, idle);
  try {
    await line(clients, /^\d+$/m);
    return ((await rss()) - before) / idle / 1024;
  } finally {
    clients.kill('SIGKILL');
  }
}

async function measure(kind: Kind): Promise<Result> {
  const port = await freePort();
  const [program, ...args] = kind.command(port);
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const cpu = cpuMeter([server.pid!]);
  try {
    await line(server, kind.ready);
    const alone = await number(load(kind, 'echo', port, seconds, 1, FLIGHT));
    const echo = kind.ours ? await number(load(kind, 'echo', port, seconds, CLIENTS, FLIGHT)) : Number.NaN;
    const before = cpu.seconds();
    const made = await number(load(kind, 'handshakes', port, seconds, kind.ours ? 16 : 1));
    const handshakes = made / (cpu.seconds() - before);
    return { alone, echo, handshakes, memory: kind.ours ? await idleMemory(server, kind, port) : Number.NaN };
  } finally {
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
    cpu.close();
  }
}

const results = new Map<Kind, Result[]>(kinds.map((kind) => [kind, []]));
await inTurns(rounds, kinds, async (kind) => void results.get(kind)!.push(await measure(kind)));
const peer = results.get(gnutls);
for (const [kind, all] of results) {
  const every = (key: keyof Result): number[] => all.map((one) => one[key]);
  const ratio = (key: 'alone' | 'handshakes'): string =>
    kind.ours && peer
      ? ` (${times(
          every(key),
          peer.map((one) => one[key]),
        )} gnutls-serv)`
      : '';
  console.log(
    `${kind.name.padEnd(18)} alone ${medianAndLeast(every('alone'))} records/s each way${ratio('alone')}, ` +
      `${medianAndLeast(every('handshakes'))} handshakes per CPU second${ratio('handshakes')}` +
      (kind.ours
        ? `; ${CLIENTS} clients ${medianAndLeast(every('echo'))} records/s, ${medianAndLeast(every('memory'))} KiB RSS per idle association`
        : ''),
  );
}
