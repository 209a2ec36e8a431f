import { spawn } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { type InteropNeeds, skipUnless } from './interop.ts';

export const repository = join(import.meta.dirname, '../..');

/** A benchmark with the least work that it can be given. */
export interface Benchmark {
  readonly path: string;
  readonly args: readonly string[];
  /** What its last lines say, for each thing that it measures. */
  readonly says: readonly RegExp[];
  readonly needs?: InteropNeeds;
}

/** Those that need nothing but Node.js. */
export const ALONE: readonly Benchmark[] = [
  {
    path: 'startup.ts',
    args: ['1'],
    says: [/^cold start +time +[1-9]/m, /^warm start .*\n +CPU +[1-9]/m, /^token +time +[1-9]/m, /^--version .* ms/m],
  },
  {
    path: 'capture/main.ts',
    args: ['1', '2000'],
    says: [/^IP packet .*\ncapture off +\d+ .* 1\.00 × off\ncapture on +\d+ .* × off/m, /^datagram .*\ncapture off/m],
  },
  { path: 'bearer/verify.ts', args: ['0.1'], says: [/^jose\.jwtVerify +\d+/m, /^gateway +\d+/m, /^strict +\d+/m] },
  {
    path: 'client/idle.ts',
    args: ['10', '1', '0.1'],
    says: [/^bare TLS +RSS .* 1\.00 × bare TLS/m, /^client, DTLS +RSS .* login [\d.]+ .* ms CPU, [\d.]+ × bare TLS/m],
  },
  {
    path: 'load/main.ts',
    args: ['4', '8', '10', '3'],
    says: [
      // On a machine that is busy a client may be on TLS already when UDP is lost.
      /^ +4 clients: login [\d.]+ generator, [\d.]+ gateway ms CPU; .* 4 in, \d fell back/m,
      /^ +8 clients: login [\d.]+ generator, [\d.]+ gateway ms CPU; .* 8 in, \d fell back/m,
      /^growth of the cost per client: login [\d.]+ generator, [\d.]+ gateway; fallback [\d.]+ generator/m,
      /^[1-9]\d* logins per second and core/m,
    ],
  },
  {
    path: 'client/loss.ts',
    args: ['1', '1', '2'],
    says: [
      /^TLS +[\d.]+ .* ms to the first byte$/m,
      /^DTLS +[\d.]+ .*ms to the tunnel/m,
      /^UDP is lost: .* × the DPD .* 0 of 1 flows broke$/m,
    ],
  },
  {
    path: 'control/records.ts',
    args: ['0.1', '1400', '1'],
    says: [/^TLSv1\.3 direct +[1-9]/m, /^TLSv1\.2 up +[1-9]/m],
  },
  {
    path: 'dtls/engine.ts',
    args: ['1'],
    says: [/^ +node:crypto +open [\d.]+ .*µs/m, /^ +EVP .* handshake .* × node:crypto$/m],
  },
  { path: 'dtls/memory.ts', args: ['50'], says: [/^node:crypto +heap [\d.]+ KiB/m, /^EVP +heap .* × node:crypto/m] },
  {
    path: 'faults/main.ts',
    args: ['1', '2000'],
    says: [/^no rule +\d+ .* 1\.00 × no rule/m, /^20 rules about another kind +\d+ .* × no rule/m],
  },
  {
    path: 'faults/tcp.ts',
    args: ['1', '2000'],
    says: [/^no rule +\d+ .* 1\.00 × no rule/m, /^20 rules, removed +\d+ .* × no rule/m],
  },
  {
    path: 'journal/main.ts',
    args: ['200'],
    says: [
      /^nobody +[\d.]+ .*µs.* 1\.00 × nobody/m,
      /^one listener +[\d.]+ .*µs.* × nobody/m,
      /^10 SSE readers +[\d.]+ .*µs.* × nobody/m,
    ],
  },
  {
    path: 'netstack/main.ts',
    args: ['1', '500', '--against', repository],
    says: [
      /^up, Duplex +tunnelite +[\d.]+ .* Gbit/m,
      /^up, callbacks .* tunnelite has [\d.]+ ×$/m,
      /^idle flow, Duplex +tunnelite +\d/m,
    ],
  },
  {
    path: 'simulator/reset.ts',
    args: ['3', '1'],
    says: [
      /^start.* ms/m,
      /^reset, nothing to do +[\d.]+ .*ms, [\d.]+ × a start/m,
      /^reset, 3 sessions +[\d.]+ .*ms/m,
      /^reset, keys +[\d.]+ .*ms/m,
    ],
  },
  { path: 'world.ts', args: ['0.01'], says: [/^1 client.* \d+ virtual seconds per second of CPU/m] },
  {
    path: 'tunnel/aead.ts',
    args: ['20000'],
    says: [/^TLS_PSK_WITH_AES_128_GCM_SHA256 +node:crypto +[\d.]+ .*µs .* [\d.]+ × the time/m],
  },
];

/** Those with a peer to compare with, or the kernel. */
export const WITH_PEERS: readonly Benchmark[] = [
  {
    path: 'client/openconnect.ts',
    args: ['1', '0.2'],
    says: [
      /^TLS +first byte +ours [1-9].* openconnect [1-9].*: [\d.]+ ×/m,
      /^DTLS first byte +ours [1-9].* openconnect [1-9].*: [\d.]+ ×/m,
      /^TLS +down ours [\d.]+ Mbit.* openconnect [\d.]+ Mbit.* client CPU ms\/MB [\d.]+ /m,
      /^DTLS up +ours [\d.]+ Mbit.* openconnect [\d.]+ Mbit.* client CPU ms\/MB [\d.]+ /m,
    ],
    needs: { namespaces: true, tun: true, programs: ['openconnect', 'python3'] },
  },
  {
    path: 'dashboard/main.ts',
    args: ['1', '4', '50', '0.2'],
    says: [
      /^weight +[1-9]\d+ bytes/m,
      /^first paint +[1-9].* ms$/m,
      /^nobody looks +[\d.]+ .*ms, [\d.]+ Mbit\/s, [\d.]+ ms, [\d.]+ ms$/m,
      /^dashboard open +[\d.]+ .*ms, [\d.]+ × .*[\d.]+ Mbit\/s \(-?[\d.]+ %\), [\d.]+ ms, [\d.]+ ms$/m,
      /^50 sessions +.* % of a core\); [1-9]\d* elements$/m,
      /^scrolling +[1-9].* ms a frame/m,
    ],
    needs: { programs: ['chromium'] },
  },
  {
    path: 'dtls/udp.ts',
    args: ['0.3', '8', '1', 'gnutls-serv', 'batched'],
    says: [/^gnutls-serv +alone [1-9]/m, /^tunnelite, batched +alone [1-9].* × gnutls-serv.* KiB RSS/m],
    needs: { programs: ['gnutls-serv'] },
  },
  {
    path: 'netstack/kernel.ts',
    args: ['0.2', 'clean'],
    says: [/^up .*Gbit/m, /^down .*callbacks .*Gbit/m],
    needs: { namespaces: true, tun: true, programs: ['python3'] },
  },
  {
    path: 'netstack/tun.ts',
    args: ['0.2', '1'],
    says: [/^up +[\d.]+ .*Gbit/m, /^1 % loss.* ratio [\d.]+/m],
    needs: { namespaces: true, tun: true, programs: ['python3'] },
  },
  {
    path: 'report.ts',
    args: ['1', '0.2', '2', '--sizes=5'],
    says: [
      /^\| DTLS-down, Mbit\/s \| [1-9][\d.]* \| [1-9][\d.]* \| [\d.]+ × \|$/m,
      /^\| CPU ms a login \| [\d.]+ .* \| [\d.]+ .* \| [\d.]+ × \|$/m,
      /^\| RSS KiB a session at 5 sessions, DTLS \| -?[\d.]+ \| – \| – \|$/m,
    ],
    needs: { namespaces: true, tun: true, programs: ['openconnect', 'ocserv', 'python3'] },
  },
  {
    path: 'resources/main.ts',
    args: ['1', '1', '4', '--only=TLS'],
    says: [
      /^TLS +tunnelite +\d+ requests\/s .* p99 +[\d.]+ ms +\d+ µs CPU\/request/m,
      /^TLS +nginx behind ocserv +\d+ requests\/s .* tunnelite has [\d.]+ × its rate, [\d.]+ × its p99, [\d.]+ × .*its CPU$/m,
    ],
    needs: { namespaces: true, tun: true, programs: ['openconnect', 'ocserv', 'nginx', 'h2load'] },
  },
  {
    path: 'tunnel/main.ts',
    args: ['1', '0.2', '--only=DTLS-down', '--against', repository],
    says: [
      /^DTLS-down +(?!ocserv|tunnelite )\S+ +[\d.]+ Mbit.* tunnelite has [\d.]+ × its rate/m,
      /^DTLS-down +tunnelite +[\d.]+ Mbit.* ms CPU\/MB/m,
      /^DTLS-down +ocserv +[\d.]+ Mbit.* tunnelite has [\d.]+ × its rate for [\d.]+ × .*its CPU/m,
    ],
    needs: { namespaces: true, tun: true, programs: ['openconnect', 'ocserv', 'python3'] },
  },
  {
    path: 'tunnel/sessions.ts',
    args: ['3', '2', '1', '--sizes=10'],
    says: [
      /^logins +tunnelite +\d.*\/s, .* ms CPU each$/m,
      /^reconnects +ocserv .* tunnelite [\d.]+ × as fast, [\d.]+ × .*its CPU/m,
      /^DTLS handshakes +ocserv .* tunnelite [\d.]+ × as fast, [\d.]+ × .*its CPU/m,
      /^10 TLS .* RSS .* KiB a session .* CPU [\d.]+ ms a login/m,
      /^10 DTLS .* RSS .* KiB a session .* CPU [\d.]+ ms a handshake/m,
    ],
    needs: { namespaces: true, programs: ['ocserv', 'python3'] },
  },
];

/** Of either list, those in these folders or with these names. Each benchmark takes seconds, and a test file should not take a minute. */
export function benchmarksOf(...beginnings: readonly string[]): readonly Benchmark[] {
  return [...ALONE, ...WITH_PEERS].filter(({ path }) => beginnings.some((beginning) => path.startsWith(beginning)));
}

/** Longest run of one, in milliseconds: far more than any takes, so that one that hangs is told with its output. */
const LIMIT_MS = 120_000;

/** Runs each, one after the other, and looks at what it prints. */
export function runBenchmarks(benchmarks: readonly Benchmark[]): void {
  t.setTimeout(benchmarks.length * LIMIT_MS);
  for (const { path, args, says, needs } of benchmarks) {
    t.test(`bench/${path} runs`, { skip: skipUnless(needs ?? {}) }, async (t) => {
      const file = join(repository, 'bench', path);
      const child = spawn(process.execPath, [file, ...args], {
        cwd: t.testdir(),
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: LIMIT_MS,
      });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
      const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
      t.equal(code, 0, 'it ends without an error', { output });
      for (const line of says) t.match(output, line);
    });
  }
}
