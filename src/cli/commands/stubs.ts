import type { StubInput } from '../../config/index.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { jsonArgument } from '../context/json-argument.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const add = command({
  args: {
    stub: {
      type: 'positional',
      valueHint: 'json or @file',
      description: 'The stub as JSON or in a file, such as \'{"path":"/orders/:id","json":{"state":"sent"}}\'',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const stub = jsonArgument<StubInput>(args.stub, 'stub');
    const { sim } = await connect(args, rawArgs, io);
    const added = await sim.stubs.add(stub);
    io.out(
      args.json
        ? `${JSON.stringify(added)}\n`
        : `${added.id} answers ${added.method ?? 'any method'} ${added.path ?? added.expression ?? '/*'} of ${added.host ?? 'any name'} with ${added.status}.\n`,
    );
    return EXIT.ok;
  },
});

const remove = command({
  args: {
    id: { type: 'positional', valueHint: 'id', description: 'Id of the stub, as the list shows it', required: true },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const { hits } = await sim.stubs.remove(args.id);
    const done = `Removed ${args.id}, which answered ${hits} ${hits === 1 ? 'request' : 'requests'}.`;
    io.out(args.json ? `${JSON.stringify({ id: args.id, hits })}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const stubs = await sim.stubs.list();
    if (args.json) {
      io.out(`${JSON.stringify({ stubs })}\n`);
      return EXIT.ok;
    }
    const rows = stubs.map(({ id, method, host, path, expression, status, sequence, hits }) => [
      ...[id, method ?? 'any', host ?? 'any', path ?? expression ?? '/*'],
      ...[sequence > 0 ? `${sequence} in turn` : String(status), String(hits)],
    ]);
    io.out(columns(['id', 'method', 'host', 'path', 'answer', 'hits'], rows));
    return EXIT.ok;
  },
  subCommands: {
    add: { description: 'Add a stub, before all others', load: async () => add },
    remove: { description: 'Remove a stub', load: async () => remove },
  },
});
