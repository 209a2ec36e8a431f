import type { AccessInput, AccessRuleInput } from '../../config/index.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { jsonArgument } from '../context/json-argument.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const ended = (count: number): string => `${count} ${count === 1 ? 'connection' : 'connections'} ended`;

const add = command({
  args: {
    rule: {
      type: 'positional',
      valueHint: 'json or @file',
      description:
        'The rule as JSON or in a file, such as \'{"action":"deny","match":["api.contoso.internal"],"users":["bob@contoso.com"]}\'',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const rule = jsonArgument<AccessRuleInput>(args.rule, 'rule');
    const { sim } = await connect(args, rawArgs, io);
    const added = await sim.access.add(rule);
    const done = `Added ${added.id}, before all others; ${ended(added.ended)}.`;
    io.out(args.json ? `${JSON.stringify(added)}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

const replace = command({
  args: {
    access: {
      type: 'positional',
      valueHint: 'json or @file',
      description: 'The value of resources.access as JSON or in a file; {} = no rules',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const access = jsonArgument<AccessInput>(args.access, 'access');
    const { sim } = await connect(args, rawArgs, io);
    const replaced = await sim.access.replace(access);
    const { rules } = replaced;
    const done = `There ${rules.length === 1 ? 'is 1 rule' : `are ${rules.length} rules`} now; ${ended(replaced.ended)}.`;
    io.out(args.json ? `${JSON.stringify(replaced)}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

const remove = command({
  args: {
    id: { type: 'positional', valueHint: 'id', description: 'Id of the rule, as the list shows it', required: true },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const removed = await sim.access.remove(args.id);
    const done = `Removed ${args.id}; ${ended(removed.ended)}.`;
    io.out(args.json ? `${JSON.stringify({ id: args.id, ...removed })}\n` : `${done}\n`);
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const access = await sim.access.list();
    if (args.json) {
      io.out(`${JSON.stringify(access)}\n`);
      return EXIT.ok;
    }
    const { rules, otherwise } = access;
    if (rules.length === 0) {
      io.out('There are no rules: every user with a session can reach all resources.\n');
      return EXIT.ok;
    }
    const rows = rules.map(({ id, name, action, match, ports, protocols, users, groups, apps, devices }) => [
      ...[id, name ?? '-', action, match.join(' ') || 'anything'],
      [...protocols, ...ports].join(' ') || 'any',
      [...users, ...groups, ...apps, ...devices].join(' ') || 'anybody',
    ]);
    io.out(columns(['id', 'name', 'action', 'match', 'ports', 'who'], rows));
    io.out(`Otherwise: ${otherwise}.\n`);
    return EXIT.ok;
  },
  subCommands: {
    add: { description: 'Add a rule, before all others', load: async () => add },
    remove: { description: 'Remove a rule', load: async () => remove },
    replace: { description: 'Replace all rules', load: async () => replace },
  },
});
