/** The servers of the benchmarks, each in a network namespace of its own, where it listens on 10.99.0.1:4443. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join as path } from 'node:path';
import { testLeaf } from '../../test/support/certificates.ts';
import { which } from '../../test/support/interop.ts';
import { end, Namespace, run } from '../../test/support/namespace.ts';
import { Child } from '../lib/child.ts';
import { type CpuMeter, cpuMeter } from '../lib/cpu.ts';

export const HERE = import.meta.dirname;
export const NAME = 'gateway.localhost';
export const ADDRESS = '10.99.0.1';
export const PORT = 4443;

export interface Server {
  readonly name: string;
  readonly kind: 'tunnelite' | 'ocserv';
  readonly namespace: Namespace;
  readonly ca: string;
  /** The resource's address inside the tunnel. */
  readonly resource: string;
  /** Arguments and input of openconnect for one of two users. */
  readonly login: (index: number) => { readonly args: readonly string[]; readonly input: string };
  /** CPU of everything that is the server's side: with ocserv also the resource, which is inside ours. */
  readonly cpu: CpuMeter;
  /** Arguments of the login client. */
  readonly account: readonly string[];
  readonly pid: number;
  /** Collects garbage, where there is any; the bytes that V8 then has for young objects. */
  readonly collect: () => Promise<number>;
}

export interface Wanted {
  readonly ocserv: boolean;
  /** Folders of other checkouts. */
  readonly against: readonly string[];
  readonly plain?: boolean;
  readonly prof?: boolean;
}

/** What a benchmark opens, and what of it has to be closed. */
export class Bench implements AsyncDisposable {
  readonly #directory = mkdtempSync(path(tmpdir(), 'tunnelite-bench-'));
  readonly #children: ChildProcess[] = [];
  readonly #clients: ChildProcess[] = [];
  readonly #namespaces: Namespace[] = [];
  readonly #meters: CpuMeter[] = [];
  #closed: Promise<void> | undefined;

  constructor() {
    // ocserv's unprivileged workers reach its socket there.
    chmodSync(this.#directory, 0o755);
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, this.#interrupted);
  }

  /** Leaves nothing behind. */
  readonly #interrupted = (): void => {
    void this[Symbol.asyncDispose]().finally(() => process.exit(1));
  };

  file(name: string, text: string): string {
    writeFileSync(this.path(name), text);
    return this.path(name);
  }

  path(name: string): string {
    return path(this.#directory, name);
  }

  namespace(label: string): Namespace {
    const namespace = Namespace.create(label);
    this.#namespaces.push(namespace);
    return namespace;
  }

  /** Has it end with the benchmark: by the end of its input, or where it has none by a signal. */
  keep<T extends ChildProcess>(child: T): T {
    this.#children.push(child);
    return child;
  }

  /** Has a client end by a signal, before the servers do. */
  keepClient<T extends ChildProcess>(child: T): T {
    this.#clients.push(child);
    return child;
  }

  meter(pids: readonly number[]): CpuMeter {
    const meter = cpuMeter(pids);
    this.#meters.push(meter);
    return meter;
  }

  /** This checkout, the others, and ocserv; says so when it is not there. */
  async start(wanted: Wanted): Promise<Server[]> {
    const servers = [await this.#simulator('tunnelite', undefined, wanted)];
    for (const [index, folder] of wanted.against.entries()) {
      const name = basename(folder);
      const taken = name === 'ocserv' || servers.some((server) => server.name === name);
      servers.push(await this.#simulator(taken ? `${name}-${index + 2}` : name, folder, wanted));
    }
    if (!wanted.ocserv) return servers;
    if (which('ocserv') && which('ocpasswd')) servers.push(await this.#ocserv());
    else
      console.log(
        'ocserv is not installed (Debian: apt-get install ocserv): there are no figures of it to compare with.',
      );
    return servers;
  }

  #serverNamespace(label: string): Namespace {
    const namespace = this.namespace(label);
    namespace.exec('sysctl', ['-qw', 'net.ipv4.ip_forward=1', 'net.ipv4.ip_local_port_range=10000 65000']);
    namespace.ip('addr', 'add', `${ADDRESS}/32`, 'dev', 'lo');
    return namespace;
  }

  async #simulator(name: string, checkout: string | undefined, { plain, prof }: Wanted): Promise<Server> {
    const namespace = this.#serverNamespace('tunnelite');
    const profile = ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-name=${name}.cpuprofile`];
    const child = namespace.spawn(
      process.execPath,
      [
        ...(prof ? profile : []),
        ...[path(HERE, 'serve.ts'), ADDRESS, NAME, String(!plain), ...(checkout === undefined ? [] : [checkout])],
      ],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    );
    this.keep(child);
    const server = new Child(child, name);
    const { ca, tokens } = await server.next<{ readonly ca: string; readonly tokens: readonly string[] }>();
    return {
      name,
      kind: 'tunnelite',
      namespace,
      ca: this.file(`ca-${name}.pem`, ca),
      resource: '10.20.0.20',
      login: (index) => ({
        args: ['--http-auth=Bearer', '--token-mode=oidc', `--token-secret=${tokens[index]}`],
        input: '',
      }),
      cpu: this.meter([child.pid!]),
      account: ['bearer', tokens[0]!],
      pid: child.pid!,
      collect: async () => (await server.ask<{ readonly young: number }>('gc')).young,
    };
  }

  async #ocserv(): Promise<Server> {
    const namespace = this.#serverNamespace('ocserv');
    const leaf = await testLeaf(NAME);
    for (const user of ['user0', 'user1']) {
      run('ocpasswd', ['-c', this.path('passwd'), user], { input: 'pw\npw\n', stdio: ['pipe', 'pipe', 'pipe'] });
    }
    const config = this.file(
      'ocserv.conf',
      `auth = "plain[passwd=${this.path('passwd')}]"
tcp-port = ${PORT}
udp-port = ${PORT}
run-as-user = nobody
run-as-group = nogroup
socket-file = ${this.path('socket')}
server-cert = ${this.file('srv.pem', leaf.certPem)}
server-key = ${this.file('srv.key', leaf.keyPem)}
isolate-workers = true
max-clients = 4000
max-same-clients = 0
rate-limit-ms = 0
keepalive = 32400
dpd = 1800
try-mtu-discovery = true
tls-priorities = "NORMAL:%SERVER_PRECEDENCE:%COMPAT:-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1"
auth-timeout = 240
max-ban-score = 0
cookie-timeout = 300
rekey-time = 172800
use-occtl = false
pid-file = ${this.path('ocserv.pid')}
device = vpns
predictable-ips = false
ipv4-network = 192.168.64.0/20
route = 192.168.64.0/255.255.240.0
route = 192.168.100.1/255.255.255.255
`,
    );
    namespace.ip('addr', 'add', '192.168.100.1/32', 'dev', 'lo');
    const child = this.keep(namespace.spawn('ocserv', ['-f', '-c', config], { stdio: 'ignore' }));
    const resource = this.keep(
      namespace.spawn('python3', [path(HERE, 'bulk.py'), 'serve', '192.168.100.1'], {
        stdio: ['pipe', 'pipe', 'inherit'],
      }),
    );
    await new Child(resource, 'The resource').next();
    for (let tries = 0; !namespace.exec('ss', ['-ltn']).includes(`:${PORT}`); tries++) {
      if (tries === 100)
        throw new Error('ocserv does not listen after five seconds; run `ocserv -f -d 3` with its configuration.');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return {
      name: 'ocserv',
      kind: 'ocserv',
      namespace,
      ca: this.file('ca-ocserv.pem', leaf.caPem),
      resource: '192.168.100.1',
      login: (index) => ({ args: [`--user=user${index}`, '--passwd-on-stdin'], input: 'pw\n' }),
      cpu: this.meter([child.pid!, resource.pid!]),
      account: ['form', 'user0', 'pw'],
      pid: child.pid!,
      collect: async () => 0,
    };
  }

  /** Ends every process, clients before servers, and removes the namespaces. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await Promise.all(this.#clients.map((child) => end(child, 'SIGINT')));
    // A simulator that is profiled writes its profile at its own end, which its input's end brings about.
    for (const child of this.#children) child.stdin?.end();
    await Promise.all(this.#children.filter((child) => child.stdin).map(endsSoon));
    await Promise.all(this.#children.map((child) => end(child, 'SIGINT')));
    for (const namespace of this.#namespaces) await namespace.remove();
    for (const meter of this.#meters) meter.close();
    rmSync(this.#directory, { recursive: true, force: true });
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, this.#interrupted);
  }
}

/** Waits for a child's end, but not for long. */
async function endsSoon(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = Promise.withResolvers<void>();
  child.once('exit', () => ended.resolve());
  const timer = setTimeout(() => ended.resolve(), 3000);
  await ended.promise;
  clearTimeout(timer);
}

/** Ends the process with one line when something is missing without which there is nothing to measure. */
export function need(programs: readonly string[]): void {
  const missing = programs.filter((program) => !which(program));
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    console.error('This benchmark makes network namespaces: run it as root, on Linux.');
  } else if (missing.length > 0) {
    console.error(
      `Not installed: ${missing.join(', ')} (Debian: apt-get install ${missing.join(' ')}). Nothing was measured.`,
    );
  } else return;
  process.exit(1);
}

/** ocserv's version, for the headings; empty when it is not there. */
export function ocservVersion(): string {
  const program = which('ocserv');
  if (program === undefined) return '';
  const { stdout, stderr } = spawnSync(program, ['--version'], { encoding: 'utf8' });
  return /ocserv ([\d.]+)/i.exec(`${stdout}${stderr}`)?.[1] ?? '';
}
