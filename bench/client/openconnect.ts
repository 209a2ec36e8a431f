/**
 * The bundled client beside stock openconnect, with the same gateway and resource: from connecting to the first byte by channel, and one
 * TCP connection through the tunnel, both ways.
 *
 *   sudo node bench/client/openconnect.ts [rounds] [seconds per transfer]
 *
 * Needs root, openconnect and python3. Gateway and clients are on two machines (network namespaces) joined by veth. openconnect is a program that
 * is started, has a TUN device and the kernel's TCP/IP; ours runs in a Node.js process that is there already, with TCP/IP of its own. The
 * CPU is that of the client's side: openconnect and the tool that reads or writes, or our process.
 */
import { end } from '../../test/support/namespace.ts';
import { Child } from '../lib/child.ts';
import { inTurns, least, median, medianAndLeast, times, timesAndLeast } from '../lib/figures.ts';
import { options } from '../lib/options.ts';
import { clientMachine, measureOnce, openconnect } from '../tunnel/bulk.ts';
import { ADDRESS, Bench, HERE, NAME, need, PORT } from '../tunnel/servers.ts';

const { numbers } = options();
const [rounds = 5, seconds = 3] = numbers;
const CHANNELS = ['TLS', 'DTLS'] as const;
need(['openconnect', 'python3', 'ip']);

await using bench = new Bench();
const [server] = await bench.start({ ocserv: false, against: [] });
const machine = clientMachine(bench, server!, 'client', 0);
const stdio: ['pipe', 'pipe', 'inherit'] = ['pipe', 'pipe', 'inherit'];
const tool = new Child(
  bench.keep(machine.spawn('python3', [`${HERE}/bulk.py`, 'first', server!.resource], { stdio })),
  'The tool',
);
const [, token = ''] = server!.account;
const ours = new Child(
  bench.keep(
    machine.spawn(
      process.execPath,
      [
        `${import.meta.dirname}/tunnel-client.ts`,
        ...[`https://${ADDRESS}:${PORT}`, server!.ca, token, NAME, server!.resource],
      ],
      { stdio },
    ),
  ),
  'The client',
);

/** Figures of both, ours first. */
interface Both {
  readonly ours: number[];
  readonly theirs: number[];
}
const both = (): Both => ({ ours: [], theirs: [] });

for (const channel of CHANNELS) {
  const figures = both();
  const said = channel === 'DTLS' ? ['Established DTLS connection'] : [];
  const contenders = {
    ours: async () => (await ours.ask<{ readonly milliseconds: number }>(`first ${channel}`)).milliseconds,
    theirs: async () => {
      const begin = performance.now();
      const child = await openconnect(bench, server!, machine, {
        index: 0,
        dtls: channel === 'DTLS',
        said,
      });
      await tool.ask('go');
      const milliseconds = performance.now() - begin;
      await end(child, 'SIGINT');
      return milliseconds;
    },
  };
  // The first one loads what the others use.
  for (const name of ['ours', 'theirs'] as const) await contenders[name]();
  await inTurns(rounds, ['ours', 'theirs'] as const, async (name) => {
    figures[name].push(await contenders[name]());
  });
  console.log(
    `${channel.padEnd(4)} first byte  ours ${medianAndLeast(figures.ours)} ms, openconnect ${medianAndLeast(figures.theirs)} ms: ${timesAndLeast(figures.ours, figures.theirs)}`,
  );
}

for (const channel of CHANNELS) {
  await ours.ask(`open ${channel}`);
  const child = await openconnect(bench, server!, machine, { index: 1, dtls: channel === 'DTLS' });
  const meter = bench.meter([child.pid!]);
  for (const direction of ['down', 'up'] as const) {
    const rates = both();
    const cpu = both();
    const contenders = {
      ours: async (time: number) =>
        await ours.ask<{ readonly rate: number; readonly bytes: number; readonly cpu: number }>(`${direction} ${time}`),
      theirs: async (time: number) => {
        const before = meter.seconds();
        const { rate, bytes, tool } = await measureOnce(machine, direction, server!, time);
        return { rate, bytes, cpu: meter.seconds() - before + tool };
      },
    };
    for (const name of ['ours', 'theirs'] as const) await contenders[name](Math.min(1, seconds));
    await inTurns(rounds, ['ours', 'theirs'] as const, async (name) => {
      const { rate, bytes, cpu: used } = await contenders[name](seconds);
      rates[name].push(rate);
      cpu[name].push(used / (bytes / 1e9));
    });
    const mbits = (values: readonly number[]): string =>
      `${median(values).toFixed(0)} Mbit/s (${least(values).toFixed(0)} to ${Math.max(...values).toFixed(0)})`;
    console.log(
      `${channel.padEnd(4)} ${direction.padEnd(4)} ours ${mbits(rates.ours)}, openconnect ${mbits(rates.theirs)}: ${times(rates.ours, rates.theirs)}; ` +
        `client CPU ms/MB ${medianAndLeast(cpu.ours)} and ${medianAndLeast(cpu.theirs)}: ${timesAndLeast(cpu.ours, cpu.theirs)}`,
    );
  }
  await end(child, 'SIGINT');
}
ours.process.stdin!.end();
