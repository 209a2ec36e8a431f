import { stringify } from 'yaml';
import { configJsonSchema, type LoadedConfig } from '../../config/index.ts';
import { type Command, command } from '../context/command.ts';
import { configFromArgs, startOptions } from '../context/config-options.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

const json = { type: 'boolean', description: 'As JSON' } as const;

/** Loads and validates the configuration, including the directory. */
async function checkedConfig(...from: Parameters<typeof configFromArgs>): Promise<LoadedConfig> {
  const loaded = configFromArgs(...from);
  if (loaded.config.identity.directory !== null || loaded.config.intune !== null) {
    const [{ checkDirectory, directoryWarnings }, { checkIntune }] = await Promise.all([
      import('../../simulator/check-directory.ts'),
      import('../../simulator/check-intune.ts'),
    ]);
    const directory = checkDirectory(loaded);
    await checkIntune(loaded, directory);
    return { ...loaded, warnings: [...loaded.warnings, ...directoryWarnings(directory, loaded)] };
  }
  return loaded;
}

const check = command({
  args: { ...startOptions, json },
  async run({ args, rawArgs, io }) {
    const { warnings, file } = await checkedConfig(args, rawArgs, io);
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
  args: { ...startOptions, json },
  async run({ args, rawArgs, io }) {
    const { config } = await checkedConfig(args, rawArgs, io);
    io.out(args.json ? `${JSON.stringify(config, undefined, 2)}\n` : stringify(config));
    return EXIT.ok;
  },
});

const reload = command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const result = await sim.reload();
    if (args.json) {
      io.out(`${JSON.stringify(result)}\n`);
      return EXIT.ok;
    }
    const { applied, needsRestart, warnings } = result;
    for (const warning of warnings) io.err(`Warning: ${warning}\n`);
    const line = ({ member, from, to }: (typeof applied)[number]): string =>
      from === undefined ? `  ${member}\n` : `  ${member}: ${JSON.stringify(from)}, now ${JSON.stringify(to)}\n`;
    if (applied.length + needsRestart.length === 0) io.out('Nothing has changed.\n');
    for (const when of ['at once', 'new sessions'] as const) {
      const members = applied.filter(({ takesEffect }) => takesEffect === when);
      if (members.length > 0) io.out(`Applied${when === 'at once' ? '' : ', for new sessions'}:\n`);
      for (const member of members) io.out(line(member));
    }
    if (needsRestart.length > 0) io.out('After a restart:\n');
    for (const member of needsRestart) io.out(line(member));
    return EXIT.ok;
  },
});

const schema = command({
  args: {},
  async run({ io }) {
    io.out(`${JSON.stringify(configJsonSchema(), undefined, 2)}\n`);
    return EXIT.ok;
  },
});

const group: Command = {
  subCommands: {
    check: {
      description: 'Check the configuration; report each error with its line and column',
      load: async () => check,
    },
    show: {
      description: 'Print the effective configuration from file, environment and flags',
      load: async () => show,
    },
    schema: { description: 'Print the JSON Schema of configuration files, for editors', load: async () => schema },
    reload: {
      description: 'Make the running instance reload its configuration, and apply what needs no restart',
      load: async () => reload,
    },
  },
};
export default group;
