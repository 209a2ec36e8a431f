/** The two servers of the benchmarks, each in a network namespace of its own. */
import type { ChildProcess } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join as path } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testLeaf } from '../../test/support/certificates.ts';
import { end, Namespace, run } from '../../test/support/namespace.ts';

export const HERE = dirname(fileURLToPath(import.meta.url));
export const NAME = 'gateway.localhost';
export const flags = new Set(process.argv.slice(2).filter((argument) => argument.startsWith('--')));
export const numbers = process.argv
  .slice(2)
  .filter((argument) => !argument.startsWith('--'))
  .map(Number);

const directory = mkdtempSync(path(tmpdir(), 'tunnelite-bench-'));
export const file = (name: string, text: string): string => {
  writeFileSync(path(directory, name), text);
  return path(directory, name);
};

export const children: ChildProcess[] = [];

/** Waits for output that matches. */
export async function firstLine(child: ChildProcess, pattern: RegExp, what: string): Promise<string> {
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

export interface Server {
  readonly namespace: Namespace;
  readonly ca: string;
  readonly resource: string;
  /** Arguments and input of openconnect for one of two users. */
  readonly login: (index: number) => { readonly args: readonly string[]; readonly input: string };
  /** Every process whose work the server's side is: with ocserv also the resource, which is inside ours. */
  readonly pids: readonly number[];
  /** Arguments of the login client. */
  readonly account: readonly string[];
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
    pids: [child.pid!],
    account: ['bearer', tokens[0]!],
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
    pids: [child.pid!, resource.pid!],
    account: ['form', 'user0', 'pw'],
    child,
  };
}

export const namespaces: Namespace[] = [];

/** Starts both servers, or ours alone with `--no-ocserv`; each listens on 10.99.0.1:4443 of its namespace. */
export async function startServers(): Promise<[string, Server][]> {
  const servers: [string, Server][] = [];
  const start = async (name: string, open: (namespace: Namespace) => Promise<Server>): Promise<void> => {
    const namespace = Namespace.create(name);
    namespaces.push(namespace);
    namespace.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1']);
    namespace.ip('addr', 'add', '10.99.0.1/32', 'dev', 'lo');
    servers.push([name, await open(namespace)]);
  };
  await start('tunnelite', startSimulatorIn);
  if (!flags.has('--no-ocserv')) await start('ocserv', startOcservIn);
  return servers;
}

/** A process and all below it. */
export function processTree(root: number): number[] {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      parents.set(Number(entry), Number(statOf(entry)[1]));
    } catch {
      // it ended meanwhile
    }
  }
  const below = (of: number): number[] => [
    of,
    ...[...parents].filter(([, parent]) => parent === of).flatMap(([id]) => below(id)),
  ];
  return below(root);
}

/** Fields of /proc/<pid>/stat after the name: state, parent, … */
function statOf(pid: string | number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}

/** CPU seconds, user and system, that these processes and all below them have used. */
export function cpuSeconds(roots: readonly number[]): number {
  let ticks = 0;
  for (const root of roots) {
    for (const id of processTree(root)) {
      try {
        const stat = statOf(id);
        ticks += Number(stat[11]) + Number(stat[12]);
      } catch {
        // it ended meanwhile
      }
    }
  }
  return ticks / 100;
}

/** Ends every process, the last first, and removes the namespaces. */
export async function cleanUp(): Promise<void> {
  // A simulator that is profiled writes its profile at its own end.
  for (const child of children) child.stdin?.end();
  await new Promise((resolve) => setTimeout(resolve, 500));
  for (const child of children.reverse()) await end(child, 'SIGINT');
  for (const namespace of namespaces) await namespace.remove();
  rmSync(directory, { recursive: true, force: true });
}
