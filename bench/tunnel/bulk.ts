/** Bulk TCP through the tunnel with openconnect as the client, each server in its turn. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join as path } from 'node:path';
import { join, type Namespace } from '../../test/support/namespace.ts';
import { inTurns } from '../lib/figures.ts';
import { ADDRESS, type Bench, HERE, NAME, PORT, type Server } from './servers.ts';

export const PATHS = ['DTLS-down', 'DTLS-up', 'TLS-down', 'TLS-up'] as const;
export type Path = (typeof PATHS)[number];

export interface BulkFigures {
  /** Mbit/s, one for each round. */
  readonly rates: number[];
  /** CPU of the server's side, milliseconds a megabyte. */
  readonly cpu: number[];
}

/** The client's configuration script: addresses and split routes only. */
const SCRIPT = `#!/bin/bash
case "$reason" in
connect)
  ip link set dev $TUNDEV up mtu \${INTERNAL_IP4_MTU:-1300}
  ip addr add $INTERNAL_IP4_ADDRESS/32 dev $TUNDEV
  i=0
  while [ $i -lt \${CISCO_SPLIT_INC:-0} ]; do
    a=CISCO_SPLIT_INC_\${i}_ADDR; l=CISCO_SPLIT_INC_\${i}_MASKLEN
    ip route replace \${!a}/\${!l} dev $TUNDEV; i=$((i+1))
  done
  echo "bench: up";;
esac
exit 0
`;

/** Longest wait for the tunnel, in milliseconds. */
const CONNECT_MS = 30_000;

/** A client's machine beside a server. */
export function clientMachine(bench: Bench, server: Server, label: string, subnet: number): Namespace {
  const client = bench.namespace(label);
  join(server.namespace, [`10.99.${subnet}.1/24`], client, [`10.99.${subnet}.2/24`]);
  if (subnet > 0) client.ip('route', 'add', ADDRESS, 'via', `10.99.${subnet}.1`);
  return client;
}

/** openconnect on a client's machine, once it has said that its tunnel is there. @param said all that it has printed then */
export async function openconnect(
  bench: Bench,
  server: Server,
  client: Namespace,
  { index, dtls, said = [] }: { readonly index: number; readonly dtls: boolean; readonly said?: readonly string[] },
): Promise<ChildProcess> {
  const script = bench.file('script', SCRIPT);
  chmodSync(script, 0o755);
  const { args, input } = server.login(index);
  const child = client.spawn(
    'openconnect',
    [
      ...['--protocol=anyconnect', '--no-system-trust', '--cafile', server.ca, '--resolve', `${NAME}:${ADDRESS}`],
      ...args,
      ...(dtls ? [] : ['--no-dtls']),
      ...['--interface', 'tun-bench', '--script', script, `https://${NAME}:${PORT}/`],
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  bench.keepClient(child);
  let output = '';
  const up = Promise.withResolvers<void>();
  const timer = setTimeout(() => up.reject(new Error(`openconnect has no tunnel after 30 s: ${output}`)), CONNECT_MS);
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-4000);
      if (['bench: up', ...said].every((words) => output.includes(words))) up.resolve();
    });
  }
  child.once('close', () => up.reject(new Error(`openconnect to ${server.name} has ended: ${output}`)));
  child.stdin!.end(input);
  await up.promise.finally(() => clearTimeout(timer));
  return child;
}

/** A client's machine beside a server, with openconnect connected. */
export async function connectClient(bench: Bench, server: Server, index: number, dtls: boolean): Promise<Namespace> {
  const client = clientMachine(bench, server, dtls ? 'dtls' : 'tls', index);
  await openconnect(bench, server, client, { index, dtls });
  return client;
}

/** One transfer by the tool at the client's end; CPU of the server's side in milliseconds a megabyte, and of the tool in seconds. */
export async function measureOnce(client: Namespace, direction: string, server: Server, seconds: number) {
  const before = server.cpu.seconds();
  const child = client.spawn('python3', [path(HERE, 'bulk.py'), direction, server.resource, String(seconds)]);
  let output = '';
  child.stdout!.on('data', (chunk) => (output += chunk));
  child.stderr!.on('data', (chunk) => process.stderr.write(chunk));
  await once(child, 'close');
  const [rate = Number.NaN, bytes = Number.NaN, tool = Number.NaN] = output.split(' ').map(Number);
  if (!(rate > 0)) throw new Error(`No bytes came through ${server.name}'s tunnel.`);
  return { rate, bytes, tool, cpu: (server.cpu.seconds() - before) / (bytes / 1e9) };
}

/** Each path, all servers in turn, so many rounds; figures by path and server. */
export async function measureBulk(
  bench: Bench,
  servers: readonly Server[],
  { rounds, seconds, paths }: { readonly rounds: number; readonly seconds: number; readonly paths: readonly Path[] },
): Promise<Map<Path, Map<Server, BulkFigures>>> {
  const clients = new Map<string, Namespace>();
  for (const [index, channel] of ['DTLS', 'TLS'].entries()) {
    if (!paths.some((name) => name.startsWith(`${channel}-`))) continue;
    for (const server of servers) {
      clients.set(`${server.name} ${channel}`, await connectClient(bench, server, index, channel === 'DTLS'));
    }
  }
  const figures = new Map(
    paths.map((name) => [name, new Map(servers.map((server) => [server, { rates: [], cpu: [] } as BulkFigures]))]),
  );
  for (const name of paths) {
    const [channel, direction] = name.split('-') as [string, string];
    // Code is compiled and windows grow in the first second, which counts for nobody.
    for (const server of servers)
      await measureOnce(clients.get(`${server.name} ${channel}`)!, direction, server, Math.min(1, seconds));
    await inTurns(rounds, servers, async (server) => {
      const { rate, cpu } = await measureOnce(clients.get(`${server.name} ${channel}`)!, direction, server, seconds);
      const { rates, cpu: all } = figures.get(name)!.get(server)!;
      rates.push(rate);
      all.push(cpu);
    });
  }
  return figures;
}
