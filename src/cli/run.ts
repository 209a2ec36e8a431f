import { stripVTControlCharacters } from 'node:util';
import { parseArgs, renderUsage } from 'citty';
import { TunneliteError } from '../lib/errors.ts';
import { suggest } from '../lib/schema/suggest.ts';
import { version } from '../lib/version.ts';
import { type Command, checkOptions, forUsage } from './context/command.ts';
import { type CliIo, EXIT } from './context/io.ts';
import { exitCodeOf, problemOf } from './context/problem.ts';
import { PROGRAM, root } from './root.ts';

/** Runs one command line. Never throws: errors become a message, a hint and an exit code. */
export async function runCli(argv: readonly string[], io: CliIo): Promise<number> {
  try {
    return await dispatch(argv, io);
  } catch (error) {
    return report(error, argv, io);
  }
}

async function dispatch(argv: readonly string[], io: CliIo): Promise<number> {
  let one: Command = root;
  let { name, description }: { name: string; description: string } = PROGRAM;
  let rest = [...argv];
  while (one.subCommands) {
    const word = rest[0];
    if (word === '--version' || word === '-v') {
      io.out(`${version}\n`);
      return EXIT.ok;
    }
    // Some groups are commands themselves: "sessions" lists them, "journal session.*" those events.
    const own =
      one.run !== undefined &&
      (word === undefined || word.startsWith('-') || (takesWords(one) && !Object.hasOwn(one.subCommands, word)));
    if (word === '--help' || word === '-h' || word === 'help' || (word === undefined && !own)) {
      await usage(one, name, description, io);
      return word === undefined ? EXIT.usage : EXIT.ok;
    }
    if (own || word === undefined) break;
    const sub = Object.hasOwn(one.subCommands, word) ? one.subCommands[word] : undefined;
    if (!sub) {
      const meant = suggest(word, Object.keys(one.subCommands));
      throw new TunneliteError('ERR_CLI_USAGE', `There is no command "${word}".`, {
        hint: meant ? `Did you mean "${meant}"?` : `Run "${name} --help" for the commands.`,
      });
    }
    one = await sub.load();
    description = sub.description;
    name = `${name} ${word}`;
    rest = rest.slice(1);
  }
  const end = rest.indexOf('--');
  const options = end < 0 ? rest : rest.slice(0, end);
  if (options.includes('--help') || options.includes('-h')) {
    await usage(one, name, description, io);
    return EXIT.ok;
  }
  checkOptions(rest, one.args ?? {});
  const args = parseArgs(rest, one.args ?? {});
  return (await one.run?.({ args, rawArgs: rest, io })) ?? EXIT.ok;
}

/** Its first word may be an argument instead of a command. */
function takesWords({ args = {} }: Command): boolean {
  return Object.values(args).some(({ type }) => type === 'positional');
}

async function usage(one: Command, name: string, description: string, io: CliIo): Promise<void> {
  const text = (await renderUsage(forUsage(one, name, description))).replaceAll(/ +$/gm, '');
  io.out(`${io.colors ? text : stripVTControlCharacters(text)}\n`);
}

/** Errors are for people, on standard error; with --json they are a result like any other, on standard output. */
function report(error: unknown, argv: readonly string[], io: CliIo): number {
  const problem = problemOf(error);
  if (argv.includes('--json')) {
    io.out(`${JSON.stringify({ error: problem })}\n`);
  } else {
    const { code, message, hint } = problem;
    io.err(`${message}\n`);
    if (hint !== undefined) io.err(`${hint}\n`);
    io.err(`(${code})\n`);
  }
  if (io.env.TUNNELITE_DEBUG) io.err(`${error instanceof Error ? error.stack : String(error)}\n`);
  return exitCodeOf(problem);
}
