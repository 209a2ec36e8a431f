/**
 * Sessions established per second, beside ocserv on the same machine where it is installed: TLS handshake, login,
 * CONNECT, all on one connection.
 *
 *   node bench/control/sessions.ts [sessions] [concurrent]
 *
 * Both servers get the same client (a process of its own), the same P-256 certificate and the same number of connections.
 * ocserv asks for user name and password in two rounds, which is its shortest login without a token service;
 * its `login by cookie` figure has no such difference: there both do one handshake and one CONNECT.
 */
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testLeaf } from '../../test/support/certificates.ts';
import { cookieOf, INIT, RawClient, startTestGateway, statusLine } from '../../test/support/gateway.ts';
import { which } from '../../test/support/interop.ts';

interface Task {
  readonly port: number;
  readonly ca: string;
  readonly sessions: number;
  readonly concurrent: number;
  readonly kind: 'token' | 'password';
  readonly mode: 'login' | 'cookie';
}

interface Result {
  readonly perSecond: number;
  readonly p50: number;
  readonly p95: number;
  readonly failed: number;
}

const AGENT = ['User-Agent: Open AnyConnect VPN Agent v9.01'];
const reply = (auth: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="auth-reply"><auth>${auth}</auth></config-auth>`;

async function login(client: RawClient, task: Task): Promise<string> {
  if (task.kind === 'token') return cookieOf(await client.login());
  await client.request('POST', '/', AGENT, INIT);
  await client.request('POST', '/auth', AGENT, reply('<username>bench</username>'));
  return cookieOf(await client.request('POST', '/auth', AGENT, reply('<password>bench</password>')));
}

async function runClient(task: Task): Promise<Result> {
  const dial = (): Promise<RawClient> => RawClient.dial({ host: '127.0.0.1', port: task.port, ca: task.ca });
  const cookies: string[] = [];
  if (task.mode === 'cookie') {
    for (let i = 0; i < task.concurrent; i++) {
      const client = await dial();
      cookies.push(await login(client, task));
      client.close();
    }
  }
  const latencies: number[] = [];
  const open: RawClient[] = [];
  let next = 0;
  let failed = 0;
  const worker = async (index: number): Promise<void> => {
    while (next < task.sessions) {
      next++;
      const start = performance.now();
      try {
        const client = await dial();
        open.push(client);
        if (task.mode === 'login') await login(client, task);
        const answer = await client.connectTunnel(cookies[index]);
        if (statusLine(answer) !== 'HTTP/1.1 200 CONNECTED') failed++;
      } catch {
        failed++;
      }
      latencies.push(performance.now() - start);
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: task.concurrent }, (_, index) => worker(index)));
  const seconds = (performance.now() - start) / 1000;
  for (const client of open) client.close();
  latencies.sort((a, b) => a - b);
  const quantile = (q: number): number => latencies[Math.floor(latencies.length * q)] ?? 0;
  return { perSecond: (task.sessions - failed) / seconds, p50: quantile(0.5), p95: quantile(0.95), failed };
}

async function measure(task: Task): Promise<Result> {
  const child = fork(fileURLToPath(import.meta.url), {
    env: { ...process.env, TUNNELITE_BENCH_CLIENT: JSON.stringify(task) },
  });
  let result: Result | undefined;
  child.on('message', (message) => {
    result = message as Result;
  });
  await once(child, 'exit');
  if (!result) throw new Error('The client ended without a result.');
  return result;
}

/** ocserv on a free port with plain passwords; undefined where it is not installed. */
async function startOcserv(dir: string): Promise<{ port: number; child: ChildProcess } | undefined> {
  if (!which('ocserv') || !which('ocpasswd') || process.getuid?.() !== 0) return undefined;
  const leaf = await testLeaf('vpn.contoso.internal', 'localhost');
  const port = 20_000 + (process.pid % 20_000);
  const file = (name: string, text: string): string => {
    writeFileSync(join(dir, name), text);
    return join(dir, name);
  };
  const cert = file('cert.pem', leaf.certPem);
  const key = file('key.pem', leaf.keyPem);
  execFileSync('ocpasswd', ['-c', join(dir, 'passwd'), 'bench'], { input: 'bench\nbench\n' });
  const config = file(
    'ocserv.conf',
    `tcp-port = ${port}
run-as-user = nobody
run-as-group = nogroup
socket-file = ${dir}/sock
server-cert = ${cert}
server-key = ${key}
isolate-workers = true
max-clients = 4096
max-same-clients = 0
rate-limit-ms = 0
keepalive = 32400
dpd = 90
auth-timeout = 240
max-ban-score = 0
cookie-timeout = 300
rekey-time = 172800
use-occtl = false
pid-file = ${dir}/ocserv.pid
device = tlbench
predictable-ips = false
ipv4-network = 192.168.64.0/20
route = 192.168.64.0/255.255.240.0
auth = "plain[passwd=${dir}/passwd]"
`,
  );
  const child = spawn('ocserv', ['-f', '-c', config], { stdio: 'ignore' });
  for (let i = 0; i < 100; i++) {
    const up = await new Promise<boolean>((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => resolve(false));
      socket.on('close', () => socket.destroy());
      setTimeout(() => socket.destroy(), 200).unref();
    });
    if (up) return { port, child };
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  child.kill();
  return undefined;
}

const task = process.env.TUNNELITE_BENCH_CLIENT;
if (task) {
  process.send!(await runClient(JSON.parse(task) as Task), () => process.exit(0));
} else {
  const sessions = Number(process.argv[2] ?? 400);
  const concurrent = Number(process.argv[3] ?? 16);
  const dir = mkdtempSync(join(tmpdir(), 'tl-bench-'));
  // ocserv's unprivileged workers reach its socket there.
  chmodSync(dir, 0o755);
  await using lab = await startTestGateway({ settings: { network: '192.168.64.0/20', maxSessions: 100_000 } });
  const ocserv = await startOcserv(dir);
  try {
    for (const mode of ['login', 'cookie'] as const) {
      const base = { ca: lab.caPem, sessions, concurrent, mode };
      const show = (name: string, r: Result, ratio: string): void =>
        console.log(
          `${mode.padEnd(6)} ${name.padEnd(9)} ${r.perSecond.toFixed(1).padStart(7)} sessions/s  p50 ${r.p50.toFixed(0)} ms  p95 ${r.p95.toFixed(0)} ms  failed ${r.failed}${ratio}`,
        );
      const ours = await measure({ ...base, port: lab.port, kind: 'token' });
      if (!ocserv) {
        show('tunnelite', ours, '  (ocserv is not installed: no ratio)');
        continue;
      }
      const theirs = await measure({ ...base, port: ocserv.port, kind: 'password' });
      show('ocserv', theirs, '');
      show('tunnelite', ours, `  ${(ours.perSecond / theirs.perSecond).toFixed(2)} x ocserv`);
    }
  } finally {
    if (ocserv) {
      ocserv.child.kill();
      await once(ocserv.child, 'exit');
    }
    rmSync(dir, { recursive: true, force: true });
  }
}
