import { readFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const FORMATS = ['graph', 'policies', 'pairs', 'swift', 'objc', 'kotlin', 'env'] as const;
type Format = (typeof FORMATS)[number];

const exportAll = command({
  args: {
    ...remoteOptions,
    format: {
      type: 'enum',
      options: [...FORMATS],
      default: 'graph',
      description:
        'graph: all objects; policies: bodies of the three policies for an app; pairs: keys and values; swift, objc, kotlin: code; env: one file of settings for scripts',
    },
    app: {
      type: 'string',
      valueHint: 'id',
      description: 'policies: bundle id or package id; default: that of the first app',
    },
    platform: { type: 'enum', options: ['ios', 'android'], default: 'ios', description: 'policies: of the app' },
    group: {
      type: 'string',
      valueHint: 'guid',
      description: 'policies: the group of the users, or all; default: the first group',
    },
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const { renderExport } = await import('../../intune/export/index.ts');
    const format = String(args.format) as Format;
    const exported = await sim.intune.export<Parameters<typeof renderExport>[1]['facts']>();
    const { app, group } = args;
    const platform = args.platform === 'android' ? 'android' : 'ios';
    io.out(renderExport(format, { ...exported, platform, ...(app ? { app } : {}), ...(group ? { group } : {}) }));
    return EXIT.ok;
  },
});

const importAll = command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'JSON from Graph: lists by collection, a list response, one object, or the output of export',
      required: true,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const document = readJson(args.file);
    const { sim } = await connect(args, rawArgs, io);
    const done = await sim.intune.import(Array.isArray(document) ? { value: document } : document);
    const objects = (n: number): string => `${n} ${n === 1 ? 'object' : 'objects'}`;
    io.out(
      args.json
        ? `${JSON.stringify(done)}\n`
        : `Created ${objects(done.created)}, and changed or kept ${objects(done.changed)}.\n`,
    );
    return EXIT.ok;
  },
});

const lint = command({
  args: {
    file: {
      type: 'positional',
      valueHint: 'file',
      description: 'Export of a tenant; default: the running instance',
      required: false,
    },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const { formatLint, lintDocument } = await import('../../intune/lint/index.ts');
    let findings: ReturnType<typeof lintDocument>;
    if (args.file) {
      const { readDocument } = await import('../../intune/index.ts');
      const { systemClock } = await import('../../lib/clock.ts');
      findings = lintDocument(documentIn(args.file, readDocument), systemClock.now());
    } else {
      const { sim } = await connect(args, rawArgs, io);
      findings = (await sim.intune.lint()) as ReturnType<typeof lintDocument>;
    }
    io.out(args.json ? `${JSON.stringify({ findings })}\n` : formatLint(findings));
    return findings.some(({ level }) => level === 'error') ? EXIT.failed : EXIT.ok;
  },
});

const deliver = command({
  args: {
    user: { type: 'positional', valueHint: 'user', description: 'Sign-in name or object id', required: true },
    app: { type: 'positional', valueHint: 'app', description: 'Bundle id, or package id', required: true },
    ...remoteOptions,
    platform: { type: 'enum', options: ['ios', 'android'], default: 'ios', description: 'Platform of the device' },
    enrolled: { type: 'boolean', description: 'Intune manages the whole device' },
  },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const { user, app, platform } = args;
    const got = await sim.intune.deliver({ user, app, platform: String(platform), enrolled: args.enrolled === true });
    if (args.json) {
      io.out(`${JSON.stringify(got)}\n`);
      return EXIT.ok;
    }
    const short = (value: string): string => (value.length > 80 ? `${value.slice(0, 79)}…` : value);
    const settings = Object.entries(got.settings).map(([name, value]) => [name, short(value)] as const);
    io.out(settings.length === 0 ? 'No settings.\n' : columns(['key', 'value'], settings));
    const launch = got.protection?.connectToVpnOnLaunch ? ', which starts the tunnel with the app' : '';
    io.out(`\nApp protection policy: ${got.protection ? `there is one${launch}` : 'none'}.\n`);
    for (const note of got.notes) io.out(`${note}\n`);
    return EXIT.ok;
  },
});

const collection = {
  type: 'positional',
  valueHint: 'collection',
  description: 'Graph collection, such as targetedManagedAppConfigurations, groups or microsoftTunnelSites',
  required: true,
} as const;
const id = { type: 'positional', valueHint: 'id', description: 'Id of the object', required: true } as const;
const body = {
  type: 'string',
  valueHint: 'json',
  description: 'The request body for Graph, or @FILE to read it from a file',
  required: true,
} as const;

const show = command({
  args: { collection, id, ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    io.out(`${JSON.stringify(await sim.intune.object(args.collection, args.id), null, 2)}\n`);
    return EXIT.ok;
  },
});

const create = command({
  args: { collection, body, ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const object = bodyIn(args.body);
    const { sim } = await connect(args, rawArgs, io);
    const made = await sim.intune.create(args.collection, object);
    io.out(args.json ? `${JSON.stringify(made)}\n` : `Created ${String(made['id'])} in ${args.collection}.\n`);
    return EXIT.ok;
  },
});

const change = command({
  args: { collection, id, body, ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const members = bodyIn(args.body);
    const { sim } = await connect(args, rawArgs, io);
    const changed = await sim.intune.change(args.collection, args.id, members);
    io.out(args.json ? `${JSON.stringify(changed)}\n` : `Changed ${args.id} in ${args.collection}.\n`);
    return EXIT.ok;
  },
});

const remove = command({
  args: { collection, id, ...remoteOptions },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    await sim.intune.remove(args.collection, args.id);
    io.out(args.json ? `${JSON.stringify({ removed: args.id })}\n` : `Removed ${args.id} from ${args.collection}.\n`);
    return EXIT.ok;
  },
});

export default command({
  subCommands: {
    export: { description: 'Print sites and policies, in Graph’s form or as code', load: async () => exportAll },
    import: { description: 'Import the export of a tenant', load: async () => importAll },
    lint: { description: 'Report what would fail in the field, and how to fix it', load: async () => lint },
    show: { description: 'Print one object in Graph’s form', load: async () => show },
    create: { description: 'Create an object from a Graph request body', load: async () => create },
    change: { description: 'Change members of an object', load: async () => change },
    remove: { description: 'Remove an object, unless another one needs it', load: async () => remove },
    deliver: { description: 'Show what an app gets for its user, and why', load: async () => deliver },
  },
});

/** @throws TunneliteError `ERR_CLI_USAGE` */
function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8').replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `${file} cannot be read: ${errorText(cause)}.`, {
      hint: 'Use a file with JSON, such as the output of “tunnelite intune export”.',
      cause,
    });
  }
}

/** @throws TunneliteError `ERR_CLI_USAGE` */
function bodyIn(text: string): object {
  if (text.startsWith('@')) return asObject(readJson(text.slice(1)), text.slice(1));
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `--body is not JSON: ${errorText(cause)}.`, {
      hint: 'Put the JSON in single quotes, or in a file: --body @policy.json.',
      cause,
    });
  }
  return asObject(value, '--body');
}

/** @throws TunneliteError `ERR_CLI_USAGE` */
function asObject(value: unknown, where: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new TunneliteError('ERR_CLI_USAGE', `${where} is not a JSON object.`, {
    hint: 'Give the members of one object in braces, such as {"displayName":"Tunnel"}.',
  });
}

/** @throws TunneliteError `ERR_INTUNE_DOCUMENT` */
function documentIn<T>(file: string, read: (value: unknown) => T): T {
  const value = readJson(file);
  try {
    return read(value);
  } catch (cause) {
    throw new TunneliteError('ERR_INTUNE_DOCUMENT', `${file}: ${errorText(cause)}`, { cause });
  }
}
