import { stripVTControlCharacters } from 'node:util';
import { parseArgs, renderUsage } from 'citty';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';
import { suggest } from '../lib/schema/index.ts';
import { type Command, checkOptions, forUsage } from './command.ts';
import { type CliIo, EXIT } from './io.ts';
import { root } from './root.ts';
import { version } from './version.ts';

/** Codes that mean: what the person wrote is wrong, rather than something failed. */
const USAGE_CODES = new Set(['ERR_CLI_USAGE', 'ERR_CONFIG_FILE', 'ERR_CONFIG_SYNTAX', 'ERR_CONFIG_INVALID']);

/** Runs one command line. Never throws: what goes wrong becomes a message, a hint and an exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return report(error, argv, io);
  }
}

async function dispatch(argv: readonly string[], io: CliIo): Promise<number> {
  let one: Command = root;
  let name = root.meta.name;
  let rest = [...argv];
  while (one.subCommands) {
    const word = rest[0];
    if (word === '--version' || word === '-v') {
      io.out(`${version}\n`);
      return EXIT.ok;
    }
    if (word === undefined || word === '--help' || word === '-h' || word === 'help') {
      await usage(one, name, io);
      return word === undefined ? EXIT.usage : EXIT.ok;
    }
    const load = Object.hasOwn(one.subCommands, word) ? one.subCommands[word] : undefined;
    if (!load) {
      const meant = suggest(word, Object.keys(one.subCommands));
      throw new TunneliteError('ERR_CLI_USAGE', `There is no command "${word}".`, {
        hint: meant ? `Did you mean "${meant}"?` : `Run "${name} --help" for the commands.`,
      });
    }
    one = await load();
    name = `${name} ${word}`;
    rest = rest.slice(1);
  }
  const end = rest.indexOf('--');
  const options = end < 0 ? rest : rest.slice(0, end);
  if (options.includes('--help') || options.includes('-h')) {
    await usage(one, name, io);
    return EXIT.ok;
  }
  checkOptions(rest, one.args ?? {});
  const args = parseArgs(rest, one.args ?? {});
  return (await one.run?.({ args, rawArgs: rest, io })) ?? EXIT.ok;
}

async function usage(one: Command, name: string, io: CliIo): Promise<void> {
  const text = (await renderUsage(forUsage(one, name))).replaceAll(/ +$/gm, '');
  io.out(`${io.colors ? text : stripVTControlCharacters(text)}\n`);
}

function report(error: unknown, argv: readonly string[], io: CliIo): number {
  const known = isTunneliteError(error);
  const code = known ? error.code : 'ERR_INTERNAL';
  // citty's own complaints, such as a value outside an enumeration, are the person's to mend as well.
  const isUsage = known ? USAGE_CODES.has(error.code) : (error as Error | undefined)?.name === 'CLIError';
  const message = stripVTControlCharacters(error instanceof Error ? error.message : errorText(error));
  const hint = known ? error.hint : isUsage ? 'Add --help for what is possible.' : undefined;
  if (argv.includes('--json')) {
    io.err(`${JSON.stringify({ error: { code: isUsage && !known ? 'ERR_CLI_USAGE' : code, message, hint } })}\n`);
  } else {
    io.err(`${message}\n`);
    if (hint !== undefined) io.err(`${hint}\n`);
    io.err(`(${isUsage && !known ? 'ERR_CLI_USAGE' : code})\n`);
  }
  if (io.env.TUNNELITE_DEBUG) io.err(`${error instanceof Error ? error.stack : String(error)}\n`);
  return isUsage ? EXIT.usage : EXIT.failed;
}
