/**
 * One flow through the whole tunnel: openconnect ↔ gateway ↔ resource, DTLS and TLS, both directions, beside ocserv in the same run.
 *
 *   sudo node bench/tunnel/main.ts [rounds] [seconds per measurement] [--only=…] [--plain] [--no-ocserv] [--prof]
 *
 * Needs root, openconnect, ocserv, python3. Client and server are network namespaces joined by veth; the client's tool is the same for
 * both servers. The resource is the simulator's own mock service, or for ocserv a process on the server's machine.
 * `--only=DTLS-down` and the like measures one of the four; `--plain` turns the accelerators off; `--prof` writes a CPU profile of the simulator into the current folder.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testLeaf } from '../../test/support/certificates.ts';
import { end, join, Namespace, run } from '../../test/support/namespace.ts';

const HERE = dirname(fileURLToPath(import.meta.url));
const NAME = 'gateway.localhost';
const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--')));
const numbers = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
  .map(Number);
const [rounds = 3, seconds = 3] = numbers;

const only = [...flags].find((flag) => flag.startsWith('--only='))?.slice('--only='.length);

const directory = mkdtempSync(path(tmpdir(), 'tunnelite-bench-'));
const file = (name: string, text: string): string => {
  writeFileSync(path(directory, name), text);
  return path(directory, name);
};

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

const children: ChildProcess[] = [];

async function firstLine(child: ChildProcess, pattern: RegExp, what: string): Promise<string> {
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (text += chunk));
  const deadline = Date.now() + 30_000;
  for (;;) {
    const match = pattern.exec(text);
    if (match) return match[0];
    if (child.exitCode !== null || Date.now() > deadline)
      throw new Error(`${what} did not start: ${text.slice(-2000)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Server {
  readonly namespace: Namespace;
  readonly ca: string;
  readonly resource: string;
  readonly login: (index: number) => { readonly args: readonly string[]; readonly input: string };
  readonly child: ChildProcess;
}

async function startSimulatorIn(namespace: Namespace): Promise<Server> {
  const node = ['--cpu-prof', '--cpu-prof-interval=200', '--cpu-prof-name=tunnel.cpuprofile'];
  const child = namespace.spawn(
    process.execPath,
    [...(flags.has('--prof') ? node : []), path(HERE, 'serve.ts'), '10.99.0.1', NAME, String(!flags.has('--plain'))],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  children.push(child);
  const { ca, tokens } = JSON.parse(await firstLine(child, /^\{.*\}$/m, 'The simulator')) as {
    ca: string;
    tokens: string[];
  };
  return {
    namespace,
    ca: file('ca-ours.pem', ca),
    resource: '10.20.0.20',
    login: (index) => ({
      args: ['--http-auth=Bearer', '--token-mode=oidc', `--token-secret=${tokens[index]}`],
      input: '',
    }),
    child,
  };
}

async function startOcservIn(namespace: Namespace): Promise<Server> {
  const leaf = await testLeaf(NAME);
  const ca = file('ca-ocserv.pem', leaf.caPem);
  for (const user of ['user0', 'user1']) {
    run('ocpasswd', ['-c', path(directory, 'passwd'), user], { input: 'pw\npw\n', stdio: ['pipe', 'pipe', 'pipe'] });
  }
  const config = file(
    'ocserv.conf',
    `auth = "plain[passwd=${path(directory, 'passwd')}]"
tcp-port = 4443
udp-port = 4443
run-as-user = nobody
run-as-group = nogroup
socket-file = ${path(directory, 'socket')}
server-cert = ${file('srv.pem', leaf.certPem)}
server-key = ${file('srv.key', leaf.keyPem)}
isolate-workers = true
max-clients = 512
max-same-clients = 0
rate-limit-ms = 0
keepalive = 32400
dpd = 90
try-mtu-discovery = true
tls-priorities = "NORMAL:%SERVER_PRECEDENCE:%COMPAT:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1"
auth-timeout = 240
max-ban-score = 0
cookie-timeout = 300
rekey-time = 172800
use-occtl = false
pid-file = ${path(directory, 'ocserv.pid')}
device = vpns
predictable-ips = false
ipv4-network = 192.168.64.0/20
route = 192.168.64.0/255.255.240.0
`,
  );
  chmodSync(directory, 0o755);
  namespace.ip('addr', 'add', '192.168.100.1/32', 'dev', 'lo');
  writeFileSync(config, `route = 192.168.100.1/255.255.255.255\n`, { flag: 'a' });
  const child = namespace.spawn('ocserv', ['-f', '-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const resource = namespace.spawn('python3', [path(HERE, 'bulk.py'), 'serve', '192.168.100.1'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(resource);
  await firstLine(resource, /ready/, 'The resource');
  for (let i = 0; i < 100; i++) {
    if (namespace.exec('ss', ['-ltn']).includes(':4443')) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    namespace,
    ca,
    resource: '192.168.100.1',
    login: (index) => ({ args: [`--user=user${index}`, '--passwd-on-stdin'], input: 'pw\n' }),
    child,
  };
}

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

const namespaces: Namespace[] = [];

try {
  const results = new Map<string, number[]>();
  const servers: [string, Server][] = [];
  const start = async (name: string, open: (namespace: Namespace) => Promise<Server>): Promise<void> => {
    const namespace = Namespace.create(name);
    namespaces.push(namespace);
    namespace.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
    // The address that the gateway listens on belongs to the first client's link, which is made later.
    namespace.ip('addr', 'add', '10.99.0.1/32', 'dev', 'lo');
    servers.push([name, await open(namespace)]);
  };
  await start('tunnelite', startSimulatorIn);
  if (!flags.has('--no-ocserv')) await start('ocserv', startOcservIn);
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
  for (const child of children) {
    if (child.stdin && !child.killed) child.stdin.end();
  }
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const child of children.reverse()) await end(child, 'SIGINT');
  for (const namespace of namespaces) await namespace.remove();
  rmSync(directory, { recursive: true, force: true });
}
