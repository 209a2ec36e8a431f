/**
 * One flow through the whole tunnel: openconnect ↔ gateway ↔ resource, DTLS and TLS, both directions, beside ocserv in the same run.
 *
 *   sudo node bench/tunnel/main.ts [rounds] [seconds per measurement] [--only=DTLS-down,TLS-up] [--against ../checkout] [--plain]
 *     [--no-ocserv] [--prof]
 *
 * Needs root, openconnect, python3, and ocserv as a peer. Client and server are network namespaces joined by veth; the client's tool is
 * the same for all servers. The resource is the simulator's own mock service, or for ocserv a process on the server's machine.
 * `--against` measures another checkout of this repository in the same run (with its own node_modules); `--plain` turns the accelerators
 * off; `--prof` writes a CPU profile of the simulator into the current folder.
 */
import { least, median, times, timesAndLeast } from '../lib/figures.ts';
import { options } from '../lib/options.ts';
import { measureBulk, PATHS } from './bulk.ts';
import { Bench, need } from './servers.ts';

const { numbers, flags, only, against } = options(['plain', 'no-ocserv', 'prof'], ['only', 'against']);
const [rounds = 3, seconds = 3] = numbers;
const paths = PATHS.filter((name) => only.length === 0 || only.includes(name));
need(['openconnect', 'python3', 'ip']);

await using bench = new Bench();
const servers = await bench.start({
  ocserv: !flags.has('no-ocserv'),
  against,
  plain: flags.has('plain'),
  prof: flags.has('prof'),
});
const figures = await measureBulk(bench, servers, { rounds, seconds, paths });
for (const name of paths) {
  const all = figures.get(name)!;
  const ours = all.get(servers[0]!)!;
  for (const [server, { rates, cpu }] of all) {
    const ratios =
      server === servers[0]
        ? ''
        : `  tunnelite has ${times(ours.rates, rates)} its rate for ${timesAndLeast(ours.cpu, cpu)} its CPU`;
    console.log(
      `${name.padEnd(9)}  ${server.name.padEnd(10)} ${median(rates).toFixed(0).padStart(5)} Mbit/s (${least(rates).toFixed(0)} to ${Math.max(...rates).toFixed(0)})  ` +
        `${median(cpu).toFixed(2).padStart(6)} ms CPU/MB (least ${least(cpu).toFixed(2)})${ratios}`,
    );
  }
}
