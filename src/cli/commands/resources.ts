import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const remove = command({
  args: {
    id: {
      type: 'positional',
      valueHint: 'id',
      description: 'Id of the upstream, as the list shows it',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const { ended } = await sim.resources.remove(args.id);
    const done = `Removed ${args.id}; ${ended} ${ended === 1 ? 'connection' : 'connections'} to it ended.`;
    io.out(args.json ? `${JSON.stringify({ id: args.id, ended })}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

const har = command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    io.out(`${JSON.stringify(await sim.resources.har(), undefined, args.json ? undefined : 2)}\n`);
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const list = await sim.resources.list();
    if (args.json) {
      io.out(`${JSON.stringify(list)}\n`);
      return EXIT.ok;
    }
    const hosts = list.hosts.map(({ names, addresses, tcp, udp, hits }) => {
      const ports = [...Object.keys(tcp), ...Object.keys(udp).map((port) => `${port}/udp`)];
      return ['-', names[0] ?? '', addresses.join(' '), ports.join(' '), 'mock service', String(hits)];
    });
    const upstreams = list.upstreams.map(({ id, match, addresses, ports, to, hits }) => [
      id,
      match,
      addresses.join(' ') || '-',
      ports.join(' ') || 'all',
      to === null ? 'itself' : `${to.host}${to.port === null ? '' : ` port ${to.port}`}`,
      String(hits),
    ]);
    io.out(columns(['id', 'name', 'address', 'ports', 'target', 'hits'], [...upstreams, ...hosts]));
    return EXIT.ok;
  },
  subCommands: {
    har: {
      description: 'The last HTTP requests to the mock sites, and plain ones to upstreams, as a HAR 1.2',
      load: async () => har,
    },
    remove: { description: 'Remove an upstream; connections to it are reset', load: async () => remove },
  },
});
