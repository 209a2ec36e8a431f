/**
 * Requests to a small REST resource through the whole tunnel: the service `api` behind Tunnelite beside nginx behind ocserv, in the same run, with
 * the same client: h2load behind openconnect.
 *
 *   sudo node bench/resources/main.ts [rounds] [seconds per measurement] [connections] [--only=DTLS,TLS] [--against ../checkout] [--prof]
 *
 * Needs root, openconnect, h2load (Debian: nghttp2-client), and ocserv and nginx as peers; without nginx it says so and measures nothing of them.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { which } from '../../test/support/interop.ts';
import type { Namespace } from '../../test/support/namespace.ts';
import type { CpuMeter } from '../lib/cpu.ts';
import { inTurns, least, median, times, timesAndLeast } from '../lib/figures.ts';
import { options } from '../lib/options.ts';
import { connectClient } from '../tunnel/bulk.ts';
import { Bench, need, type Server } from '../tunnel/servers.ts';

const PATH = '/status/200';
const ANSWER = '{"status":200}';
const API = '10.20.0.12';
/** Longest start of nginx, in milliseconds. */
const START_MS = 5_000;

interface Figures {
  /** Requests a second, one for each round. */
  readonly rates: number[];
  /** Milliseconds that one request in a hundred takes longer than. */
  readonly p99: number[];
  /** CPU of the server's side, microseconds a request. */
  readonly cpu: number[];
}

interface Contender {
  readonly server: Server;
  readonly client: Namespace;
  readonly host: string;
  readonly cpu: readonly CpuMeter[];
  readonly figures: Figures;
}

const { numbers, flags, only, against } = options(['prof'], ['only', 'against']);
const [rounds = 3, seconds = 3, connections = 16] = numbers;
need(['openconnect', 'h2load', 'ip']);

await using bench = new Bench();
const nginx = which('nginx');
if (nginx === undefined)
  console.log(
    'nginx is not installed (Debian: apt-get install nginx-light): there are no figures of it to compare with.',
  );
const servers = await bench.start({ ocserv: nginx !== undefined, against, prof: flags.has('prof') });
const nginxMeters = new Map<Server, CpuMeter>();
for (const server of servers) if (server.kind === 'ocserv') nginxMeters.set(server, await startNginx(bench, server));

for (const [index, transport] of ['DTLS', 'TLS'].entries()) {
  if (only.length > 0 && !only.includes(transport)) continue;
  const contenders: Contender[] = [];
  for (const server of servers) {
    const meter = nginxMeters.get(server);
    contenders.push({
      server,
      client: await connectClient(bench, server, index, transport === 'DTLS'),
      host: server.kind === 'ocserv' ? server.resource : API,
      cpu: [server.cpu, ...(meter ? [meter] : [])],
      figures: { rates: [], p99: [], cpu: [] },
    });
  }
  // The first compiles, here and there.
  for (const one of contenders) await measure(one, Math.min(1, seconds));
  await inTurns(rounds, contenders, async (one) => {
    const { rate, p99, cpu } = await measure(one, seconds);
    one.figures.rates.push(rate);
    one.figures.p99.push(p99);
    one.figures.cpu.push(cpu);
  });
  const ours = contenders[0]!.figures;
  for (const { server, figures } of contenders) {
    const { rates, p99, cpu } = figures;
    const ratios =
      figures === ours
        ? ''
        : `  tunnelite has ${times(ours.rates, rates)} its rate, ${times(ours.p99, p99)} its p99, ${timesAndLeast(ours.cpu, cpu)} its CPU`;
    console.log(
      `${transport.padEnd(4)}  ${(server.kind === 'ocserv' ? 'nginx behind ocserv' : server.name).padEnd(19)} ` +
        `${median(rates).toFixed(0).padStart(6)} requests/s (${least(rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)})  ` +
        `p99 ${median(p99).toFixed(2).padStart(6)} ms  ${median(cpu).toFixed(0).padStart(4)} µs CPU/request (least ${least(cpu).toFixed(0)})${ratios}`,
    );
  }
}

/** nginx on the machine of ocserv, with the same answer as the service. */
async function startNginx(bench: Bench, { namespace, resource }: Server): Promise<CpuMeter> {
  const config = bench.file(
    'nginx.conf',
    `daemon off;
worker_processes auto;
pid ${bench.path('nginx.pid')};
error_log stderr;
events { worker_connections 4096; }
http {
  access_log off;
  tcp_nodelay on;
  keepalive_requests 100000000;
  client_body_temp_path ${bench.path('nginx-body')};
  proxy_temp_path ${bench.path('nginx-proxy')};
  fastcgi_temp_path ${bench.path('nginx-fastcgi')};
  uwsgi_temp_path ${bench.path('nginx-uwsgi')};
  scgi_temp_path ${bench.path('nginx-scgi')};
  server {
    listen ${resource}:80;
    location = ${PATH} { default_type application/json; return 200 '${ANSWER}'; }
  }
}
`,
  );
  const child = bench.keep(
    namespace.spawn('nginx', ['-c', config, '-e', 'stderr'], { stdio: ['ignore', 'ignore', 'inherit'] }),
  );
  const until = performance.now() + START_MS;
  while (!namespace.exec('ss', ['-ltn']).includes(`${resource}:80`)) {
    if (performance.now() > until || child.exitCode !== null) throw new Error('nginx does not listen.');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return bench.meter([child.pid!]);
}

async function measure({ client, host, cpu }: Contender, seconds: number) {
  const log = bench.file('requests.log', '');
  const used = (): number => cpu.reduce((sum, meter) => sum + meter.seconds(), 0);
  const before = used();
  const child = client.spawn('h2load', [
    ...['--h1', '--duration', String(seconds), '--clients', String(connections), '--threads', '1'],
    ...['--log-file', log, `http://${host}${PATH}`],
  ]);
  let output = '';
  for (const stream of [child.stdout!, child.stderr!]) stream.on('data', (chunk) => (output += chunk));
  await once(child, 'close');
  const after = used();
  // Start in microseconds, status, duration in microseconds; -1 for what broke.
  const requests = readFileSync(log, 'latin1')
    .trim()
    .split('\n')
    .map((line) => line.split('\t').map(Number));
  const took = requests.filter(([, status]) => status === 200).map(([, , duration]) => duration!);
  if (took.length === 0) throw new Error(`h2load got no answer from ${host}:\n${output}`);
  const bad = requests.length - took.length;
  if (bad > connections) throw new Error(`${bad} of ${requests.length} requests to ${host} failed:\n${output}`);
  took.sort((a, b) => a - b);
  return {
    rate: took.length / seconds,
    p99: took[Math.floor(took.length * 0.99)]! / 1000,
    cpu: ((after - before) * 1e6) / took.length,
  };
}
