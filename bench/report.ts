/**
 * The whole comparison beside ocserv in one run, as a table in Markdown: bulk transfers, logins, reconnects, DTLS handshakes, memory.
 *
 *   sudo node bench/report.ts [rounds] [seconds of a transfer] [logins of a round] [--sizes=1000,10000] [--against ../checkout]
 *
 * Takes four to six minutes as it is. Needs what tunnel/main.ts and tunnel/sessions.ts need, whose measurements these are: root, openconnect,
 * python3, ocserv as the peer, and a C compiler with OpenSSL's headers for the light client of the handshakes. `--against` has another
 * checkout of this repository (with its own node_modules) measured in the same turns, and a column for it.
 */
import { execFileSync } from 'node:child_process';
import { cpus, loadavg, release } from 'node:os';
import { digits, least, median, times } from './lib/figures.ts';
import { options } from './lib/options.ts';
import { measureBulk, PATHS } from './tunnel/bulk.ts';
import { compileStorm } from './tunnel/clients.ts';
import { measureLogins } from './tunnel/logins.ts';
import { measureScale, possibleSizes } from './tunnel/scale.ts';
import { Bench, need, ocservVersion, type Server } from './tunnel/servers.ts';

const { numbers, against, sizes = [1000, 10_000] } = options([], ['against', 'sizes']);
const [rounds = 3, seconds = 3, count = 100] = numbers;
need(['openconnect', 'python3', 'ip']);

/** One figure of each server, by name. */
interface Row {
  readonly what: string;
  readonly values: ReadonlyMap<string, readonly number[]>;
}

const rows: Row[] = [];

function add<T>(what: string, figures: ReadonlyMap<Server, T>, of: (one: T) => readonly number[]): void {
  rows.push({ what, values: new Map([...figures].map(([server, one]) => [server.name, of(one)])) });
}

const [began, load] = [performance.now(), loadavg()[0]!];
let names: string[];
{
  await using bench = new Bench();
  const servers = await bench.start({ ocserv: true, against });
  names = servers.map(({ name }) => name);
  const bulk = await measureBulk(bench, servers, { rounds, seconds, paths: PATHS });
  for (const [path, figures] of bulk) {
    add(`${path}, Mbit/s`, figures, ({ rates }) => rates);
    add(`${path}, CPU ms a MB`, figures, ({ cpu }) => cpu);
  }
}
{
  // New servers: what bulk transfers leave behind is not what a session takes.
  await using bench = new Bench();
  const servers = await bench.start({ ocserv: true, against });
  const settings = { rounds: rounds + 1, count, warmUp: 2 * count, concurrent: 8, storm: compileStorm(bench) };
  const figures = await measureLogins(bench, servers, settings);
  add('logins a second', figures, ({ logins }) => logins.rates);
  add('CPU ms a login', figures, ({ logins }) => logins.cpu);
  add('reconnects a second', figures, ({ resumes }) => resumes.rates);
  add('CPU ms a reconnect', figures, ({ resumes }) => resumes.cpu);
  add('DTLS handshakes a second', figures, ({ handshakes }) => handshakes.rates);
  add('CPU ms a DTLS handshake', figures, ({ handshakes }) => handshakes.cpu);
  add('PSS KiB a session, TLS', figures, ({ tls }) => [tls / 1024]);
  add('PSS KiB a session, DTLS', figures, ({ dtls }) => [dtls / 1024]);
}
const possible = possibleSizes(sizes);
if (possible.length > 0) {
  await using bench = new Bench();
  const servers = await bench.start({ ocserv: false, against });
  const figures = await measureScale(bench, servers, possible, compileStorm(bench));
  for (const channel of ['TLS', 'DTLS'] as const) {
    for (const size of possible) {
      const each = new Map(
        [...figures].map(([server, all]) => [
          server,
          all.find((one) => one.channel === channel && one.sessions === size)!,
        ]),
      );
      const at = `at ${size.toLocaleString('en')} sessions, ${channel}`;
      add(`RSS KiB a session ${at}`, each, ({ rss }) => [rss / 1024]);
      add(`CPU ms a ${channel === 'TLS' ? 'login' : 'handshake'} ${at}, main thread`, each, ({ main }) => [main]);
    }
  }
}

const cell = (values: readonly number[] | undefined): string => {
  if (!values) return '–';
  const spread = values.length > 1 ? ` (${digits(least(values))} to ${digits(Math.max(...values))})` : '';
  return `${digits(median(values))}${spread}`;
};
const line = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`);

const git = (...args: string[]): string => {
  try {
    return execFileSync('git', ['-C', import.meta.dirname, ...args], { encoding: 'utf8' }).trim();
  } catch {
    return 'unknown';
  }
};
console.log(
  `\nCommit ${git('rev-parse', '--short', 'HEAD')}, ${cpus().length} cores, Linux ${release()}, Node.js ${process.version}, ocserv ${ocservVersion() || 'missing'}; ` +
    `load average ${load.toFixed(1)} before, ${loadavg()[0]!.toFixed(1)} after ${((performance.now() - began) / 1000).toFixed(0)} s; ` +
    'median (least to most)\n',
);
const [ours = '', ...rest] = names;
const others = rest.filter((name) => name !== 'ocserv');
const peer = (row: Row, name: string): string => times(row.values.get(name) ?? [], row.values.get('ocserv') ?? []);
line(['', ours, 'ocserv', 'ratio', ...others.flatMap((name) => [name, 'its ratio', `${ours} to ${name}`])]);
line(['---', '---', '---', '---', ...others.flatMap(() => ['---', '---', '---'])]);
for (const row of rows) {
  const us = row.values.get(ours) ?? [];
  line([
    ...[row.what, cell(us), cell(row.values.get('ocserv')), peer(row, ours)],
    ...others.flatMap((name) => [cell(row.values.get(name)), peer(row, name), times(us, row.values.get(name) ?? [])]),
  ]);
}
