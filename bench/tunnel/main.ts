/**
 * One flow through the whole tunnel: openconnect ↔ gateway ↔ resource, DTLS and TLS, both directions, beside ocserv in the same run.
 *
 *   sudo node bench/tunnel/main.ts [rounds] [seconds per measurement] [--only=…] [--plain] [--no-ocserv] [--prof]
 *
 * Needs root, openconnect, ocserv, python3. Client and server are network namespaces joined by veth; the client's tool is the same for
 * both servers. The resource is the simulator's own mock service, or for ocserv a process on the server's machine.
 * `--only=DTLS-down` and the like measures one of the four; `--plain` turns the accelerators off; `--prof` writes a CPU profile of the simulator into the current folder.
 */
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { join as path } from 'node:path';
import { join, Namespace } from '../../test/support/namespace.ts';
import {
  children,
  cleanUp,
  cpuSeconds,
  file,
  firstLine,
  flags,
  HERE,
  NAME,
  namespaces,
  numbers,
  type Server,
  startServers,
} from './servers.ts';

const [rounds = 3, seconds = 3] = numbers;
const only = [...flags].find((flag) => flag.startsWith('--only='))?.slice('--only='.length);

/** The client's configuration script: addresses and split routes only. */
const script = file(
  'script',
  `#!/bin/bash
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
`,
);
chmodSync(script, 0o755);

/** A client's machine beside a server, connected. */
async function connectClient(server: Server, index: number, dtls: boolean): Promise<Namespace> {
  const client = Namespace.create(dtls ? 'dtls' : 'tls');
  namespaces.push(client);
  const subnet = index;
  join(server.namespace, [`10.99.${subnet}.1/24`], client, [`10.99.${subnet}.2/24`]);
  if (subnet > 0) client.ip('route', 'add', '10.99.0.1', 'via', `10.99.${subnet}.1`);
  const { args, input } = server.login(index);
  const child = client.spawn(
    'openconnect',
    [
      '--protocol=anyconnect',
      '--no-system-trust',
      '--cafile',
      server.ca,
      '--resolve',
      `${NAME}:10.99.0.1`,
      ...args,
      ...(dtls ? [] : ['--no-dtls']),
      '--interface',
      'tun-bench',
      '--script',
      script,
      `https://${NAME}:4443/`,
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  );
  child.stdin!.end(input);
  children.push(child);
  await firstLine(child, /bench: up/, 'openconnect');
  return client;
}

/** One measurement: Mbit/s, and what the server's side spent of CPU time on each megabyte, in milliseconds. */
interface Sample {
  readonly rate: number;
  readonly cpu: number;
}

async function measure(client: Namespace, direction: 'down' | 'up', server: Server): Promise<Sample> {
  const before = cpuSeconds(server.pids);
  const child = client.spawn('python3', [path(HERE, 'bulk.py'), direction, server.resource, String(seconds)]);
  let output = '';
  child.stdout!.on('data', (chunk) => (output += chunk));
  child.stderr!.on('data', (chunk) => process.stderr.write(chunk));
  await once(child, 'close');
  const [rate = Number.NaN, bytes = Number.NaN] = output.split(' ').map(Number);
  return { rate, cpu: (cpuSeconds(server.pids) - before) / (bytes / 1e9) };
}

const results = new Map<string, Sample[]>();
const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** `384 Mbit/s [350 384 400], 8.1 ms CPU a MB`, and the two medians. */
function summary(key: string): { readonly text: string; readonly rate: number; readonly cpu: number } {
  const samples = results.get(key) ?? [];
  const rate = middle(samples.map((sample) => sample.rate));
  const cpu = middle(samples.map((sample) => sample.cpu));
  const all = samples.map((sample) => sample.rate.toFixed(0)).join(' ');
  return { text: `${rate.toFixed(0).padStart(4)} Mbit/s ${cpu.toFixed(1).padStart(5)} ms CPU/MB [${all}]`, rate, cpu };
}

try {
  const servers = await startServers();
  const clients = new Map<string, Namespace>();
  for (const [name, server] of servers) {
    clients.set(`${name} DTLS`, await connectClient(server, 0, true));
    clients.set(`${name} TLS`, await connectClient(server, 1, false));
  }
  const wanted = ['DTLS-down', 'DTLS-up', 'TLS-down', 'TLS-up'].filter((name) => !only || only === name);
  for (let round = 0; round < rounds; round++) {
    for (const name of wanted) {
      const [channel, direction] = name.split('-') as ['DTLS' | 'TLS', 'down' | 'up'];
      for (const [which, server] of servers) {
        const key = `${which} ${name}`;
        const sample = await measure(clients.get(`${which} ${channel}`)!, direction, server);
        results.set(key, [...(results.get(key) ?? []), sample]);
      }
    }
  }
  for (const name of wanted) {
    const ours = summary(`tunnelite ${name}`);
    const theirs = summary(`ocserv ${name}`);
    console.log(
      `${name.padEnd(9)}  tunnelite ${ours.text}  ocserv ${theirs.text}  rate ${(ours.rate / theirs.rate).toFixed(2)}×  CPU ${(ours.cpu / theirs.cpu).toFixed(2)}×`,
    );
  }
} finally {
  await cleanUp();
}
