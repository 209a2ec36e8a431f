import { ACTION_NAMES, SEAMS } from '../../config/fault-actions.ts';
import type { FaultRule, FaultStatus } from '../../faults/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { command, repeated } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { TOXIC_OPTIONS, toxicMembers } from '../context/toxic-options.ts';

const text = (valueHint: string, description: string) => ({ type: 'string', valueHint, description }) as const;

/** Options for a rule's `on` and `when`; their names are those of the members. */
const ON = {
  direction: text('in|out', 'Only from the client (in), or to it (out)'),
  kind: text('kind', 'Only this kind, or these, separated by commas'),
  session: text('id', 'Only this session'),
  user: text('name', 'Only sessions of this user'),
  remote: text('address', 'Only clients at this address, address:port or network'),
  host: text('name', 'Only requests for this host name'),
  port: text('number', 'Only requests for this port, or packets with it at the remote end'),
  address: text('address', 'Only packets whose remote end is this address or network'),
  flags: text('flags', 'Only TCP packets with these flags, such as syn,!ack'),
  claims: text('json', 'Only logins whose token has these claims, such as {"groups":"a1"}'),
  length: text('bytes', 'Only this length in bytes, or a range such as 1200-1500'),
} as const;
const WHEN = {
  skip: text('count', 'Number of items that pass first'),
  times: text('count', 'Maximum number of strikes'),
  every: text('count', 'Strike only every nth item'),
  chance: text('0-1', 'Strike with this probability'),
  after: text('duration', 'Start after this time, such as 30s'),
  during: text('duration', 'Duration from then on'),
  per: text('session', 'Count each session by itself'),
} as const;
const name = {
  type: 'positional',
  valueHint: 'name',
  description: 'Name of the rule, as the list shows it',
  required: true,
} as const;

const add = command({
  args: {
    seam: { type: 'positional', valueHint: 'seam', description: `Where: ${SEAMS.join(', ')}`, required: false },
    action: {
      type: 'positional',
      valueHint: 'action',
      description: `What: ${ACTION_NAMES.join(', ')}`,
      required: false,
    },
    name: text('name', 'Name for events and removal; default: composed of seam and action'),
    ...ON,
    ...WHEN,
    ...TOXIC_OPTIONS,
    with: text('key=value', 'Parameters of the action, such as ms=200; repeatable'),
    rule: text('json', 'The whole rule, as in the configuration, instead of the other options'),
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const rule =
      args.rule === undefined ? await ruleOf(args, rawArgs) : ((await parsed(args.rule, 'rule is')) as FaultRule);
    const { sim } = await connect(args, rawArgs, io);
    const fault = await sim.faults.add(rule);
    if (args.json) io.out(`${JSON.stringify(await fault.status())}\n`);
    else {
      io.out(`The fault rule ${fault.name} is active, until "tunnelite fault remove ${fault.name}" or a reset.\n`);
      for (const note of fault.notes) io.err(`Note: ${note}\n`);
    }
    return EXIT.ok;
  },
});

const remove = command({
  args: {
    name: { ...name, required: false },
    all: { type: 'boolean', description: 'All rules' },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    if ((args.name === undefined) === !args.all) {
      throw new TunneliteError('ERR_CLI_USAGE', 'Set the fault rule to remove: its name, or --all.');
    }
    const { sim } = await connect(args, rawArgs, io);
    if (args.name === undefined) {
      const removed = await sim.faults.clear();
      io.out(
        args.json
          ? `${JSON.stringify({ removed })}\n`
          : `Removed ${removed} fault ${removed === 1 ? 'rule' : 'rules'}.\n`,
      );
      return EXIT.ok;
    }
    const status = await sim.faults.remove(args.name);
    const { seen, hits } = status;
    const story = seen === 0 ? 'it never selected anything' : `it struck ${hits} of ${seen} times`;
    io.out(args.json ? `${JSON.stringify(status)}\n` : `Removed the fault rule ${args.name}: ${story}.\n`);
    return EXIT.ok;
  },
});

const release = command({
  args: { name, count: text('count', 'Number of items, oldest first; default: all'), ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const fault = await sim.faults.get(args.name);
    const released = await fault.release(args.count === undefined ? undefined : numberOf('count', args.count));
    io.out(args.json ? `${JSON.stringify({ released })}\n` : `Let ${released} go.\n`);
    return EXIT.ok;
  },
});

const list = command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    return show(await sim.faults.list(), args.json, io);
  },
});

export default command({
  args: remoteOptions,
  subCommands: {
    add: { description: 'Add a fault rule: "fault add udp drop" blocks UDP', load: async () => add },
    list: { description: 'List the fault rules, and how often each struck', load: async () => list },
    remove: { description: 'Remove a fault rule, or all', load: async () => remove },
    release: { description: 'Release items held by a rule', load: async () => release },
  },
});

function show(rules: readonly FaultStatus[], json: boolean | undefined, io: CliIo): number {
  if (json) io.out(`${JSON.stringify({ rules })}\n`);
  else if (rules.length === 0) io.out('There are no fault rules.\n');
  else {
    const rows = rules.map(({ name, rule, seen, hits, held }) => [
      name,
      rule.on.seam,
      rule.then.do,
      String(seen),
      String(hits),
      String(held),
    ]);
    const all = [['name', 'seam', 'action', 'seen', 'struck', 'held'], ...rows];
    const widths = all[0]!.map((_, i) => Math.max(...all.map((row) => row[i]!.length)));
    for (const row of all)
      io.out(
        `${row
          .map((cell, i) => cell.padEnd(widths[i]!))
          .join('  ')
          .trimEnd()}\n`,
      );
  }
  return EXIT.ok;
}

/** Builds a rule from options; the instance that adds it checks how they fit together. */
async function ruleOf(args: Readonly<Record<string, unknown>>, rawArgs: readonly string[]): Promise<FaultRule> {
  const { seam, action } = args;
  if (seam === undefined || action === undefined) {
    throw new TunneliteError(
      'ERR_CLI_USAGE',
      'Give seam and action, such as "fault add udp drop", or the whole --rule.',
    );
  }
  const on: Record<string, unknown> = { seam };
  const when: Record<string, unknown> = {};
  const then: Record<string, unknown> = { do: action, ...toxicMembers(args) };
  for (const key of Object.keys(ON)) {
    const value = args[key];
    if (typeof value !== 'string') continue;
    on[key === 'host' ? 'name' : key] = key === 'claims' ? await parsed(value, 'claims are') : selected(key, value);
  }
  for (const key of Object.keys(WHEN)) {
    const value = args[key];
    if (typeof value !== 'string') continue;
    when[key] = ['after', 'during', 'per'].includes(key) ? value : numberOf(key, value);
  }
  for (const pair of repeated(rawArgs, 'with')) {
    const at = pair.indexOf('=');
    if (at <= 0) throw new TunneliteError('ERR_CLI_USAGE', `"--with ${pair}" is not key=value, such as ms=200.`);
    const value = pair.slice(at + 1);
    const key = pair.slice(0, at);
    then[key] = settingOf(key, value);
  }
  return {
    ...(args.name === undefined ? {} : { name: args.name }),
    on,
    ...(Object.keys(when).length === 0 ? {} : { when }),
    then,
  } as FaultRule;
}

function selected(key: string, value: string): unknown {
  if (key === 'port') return numberOf(key, value);
  if (key === 'length') {
    const range = /^(\d*)-(\d*)$/.exec(value);
    if (!range) return numberOf(key, value);
    const [, min, max] = range;
    return { ...(min ? { min: Number(min) } : {}), ...(max ? { max: Number(max) } : {}) };
  }
  const parts = value.split(',');
  return parts.length === 1 ? value : parts;
}

/** Parses `--with key=value`: a number, a boolean, a list of addresses, or a string. */
function settingOf(key: string, value: string): unknown {
  if (key === 'addresses') return value.split(',');
  if (key === 'icmp' && /^(true|false)$/.test(value)) return value === 'true';
  return key !== 'reason' && isNumber(value) ? Number(value) : value;
}

const isNumber = (value: string): boolean => /^-?\d{1,15}(\.\d{1,9})?$/.test(value);

function numberOf(key: string, value: string): number {
  if (isNumber(value)) return Number(value);
  throw new TunneliteError('ERR_CLI_USAGE', `"--${key} ${value}" is not a number.`);
}

async function parsed(json: string, what: string): Promise<unknown> {
  const { parse } = await import('yaml');
  try {
    return parse(json);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause);
    throw new TunneliteError('ERR_CLI_USAGE', `The ${what} neither valid JSON nor YAML: ${why}`, { cause });
  }
}
