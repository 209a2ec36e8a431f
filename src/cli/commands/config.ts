import { stringify } from 'yaml';
import { configJsonSchema } from '../../config/index.ts';
import { type Command, command } from '../command.ts';
import { configFromArgs, startOptions } from '../config-options.ts';
import { EXIT } from '../io.ts';

const json = { type: 'boolean', description: 'As JSON' } as const;

const check = command({
  meta: { name: 'check', description: 'Try the configuration; tells each mistake with its line and column' },
  args: { ...startOptions, json },
  async run({ args, rawArgs, io }) {
    const { warnings, file } = configFromArgs(args, rawArgs, io);
    if (args.json) {
      io.out(`${JSON.stringify({ ok: true, file, warnings })}\n`);
      return EXIT.ok;
    }
    for (const warning of warnings) io.out(`Warning: ${warning}\n`);
    io.out(`The configuration is valid (${file ?? 'no file: defaults, environment and flags'}).\n`);
    return EXIT.ok;
  },
});

const show = command({
  meta: { name: 'show', description: 'The whole configuration that file, environment and flags give' },
  args: { ...startOptions, json },
  async run({ args, rawArgs, io }) {
    const { config } = configFromArgs(args, rawArgs, io);
    io.out(args.json ? `${JSON.stringify(config, undefined, 2)}\n` : stringify(config));
    return EXIT.ok;
  },
});

const schema = command({
  meta: { name: 'schema', description: 'The JSON Schema of configuration files, for editors' },
  args: {},
  async run({ io }) {
    io.out(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
    return EXIT.ok;
  },
});

const group: Command = {
  meta: { name: 'config', description: 'Check or show the configuration' },
  subCommands: { check: async () => check, show: async () => show, schema: async () => schema },
};
export default group;
