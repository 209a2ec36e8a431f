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

function measure(client: Namespace, direction: 'down' | 'up', server: Server): Promise<number> {
  const child = client.spawn('python3', [path(HERE, 'bulk.py'), direction, server.resource, String(seconds)]);
  let output = '';
  child.stdout!.on('data', (chunk) => (output += chunk));
  child.stderr!.on('data', (chunk) => process.stderr.write(chunk));
  return once(child, 'close').then(() => Number(output));
}

try {
  const results = new Map<string, number[]>();
  const servers = await startServers();
  const clients = new Map<string, Namespace>();
  for (const [name, server] of servers) {
    clients.set(`${name} DTLS`, await connectClient(server, 0, true));
    clients.set(`${name} TLS`, await connectClient(server, 1, false));
  }
  for (let round = 0; round < rounds; round++) {
    for (const channel of ['DTLS', 'TLS']) {
      for (const direction of ['down', 'up'] as const) {
        if (only && only !== `${channel}-${direction}`) continue;
        for (const [name, server] of servers) {
          const rate = await measure(clients.get(`${name} ${channel}`)!, direction, server);
          const key = `${name} ${channel} ${direction}`;
          results.set(key, [...(results.get(key) ?? []), rate]);
        }
      }
    }
  }
  const median = (key: string): number => {
    const sorted = (results.get(key) ?? []).toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? Number.NaN;
  };
  for (const channel of ['DTLS', 'TLS']) {
    for (const direction of ['down', 'up']) {
      if (only && only !== `${channel}-${direction}`) continue;
      const ours = median(`tunnelite ${channel} ${direction}`);
      const theirs = median(`ocserv ${channel} ${direction}`);
      const all = (results.get(`tunnelite ${channel} ${direction}`) ?? []).map(Math.round).join(' ');
      const others = (results.get(`ocserv ${channel} ${direction}`) ?? []).map(Math.round).join(' ');
      console.log(
        `${channel.padEnd(4)} ${direction.padEnd(4)}  tunnelite ${ours.toFixed(0).padStart(5)} Mbit/s [${all}]  ocserv ${theirs.toFixed(0).padStart(5)} [${others}]  ratio ${(ours / theirs).toFixed(2)}`,
      );
    }
  }
} finally {
  await cleanUp();
}
