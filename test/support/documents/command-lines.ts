import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'citty';
import { type Command, checkOptions } from '../../../src/cli/context/command.ts';
import { configFromArgs, startOptions } from '../../../src/cli/context/config-options.ts';
import { root } from '../../../src/cli/root.ts';
import { WRONG_TOKENS } from '../../../src/entra/tokens/wrong-token.ts';
import { REPOSITORY } from './markdown.ts';
import { shellCommands } from './shell.ts';

const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
  scripts: Readonly<Record<string, string>>;
};

/**
 * What is wrong with the commands of ours in a shell text: commands and flags that the program does not have, values
 * that it refuses, npm scripts and files that are not there. Commands of others are passed over.
 * @param whole false for a text that may leave arguments out, as prose does
 */
export async function commandComplaints(text: string, whole: boolean): Promise<string[]> {
  const complaints: string[] = [];
  for (const words of shellCommands(text)) {
    const complaint = await complaintOf(words, whole);
    if (complaint !== undefined) complaints.push(`${words.join(' ')}: ${complaint}`);
  }
  return complaints;
}

/** How many commands of a shell text are ours. */
export function ourCommands(text: string): number {
  return shellCommands(text).filter((words) => ownArguments(words) !== undefined).length;
}

async function complaintOf(words: readonly string[], whole: boolean): Promise<string | undefined> {
  const own = ownArguments(words);
  if (own) return cliComplaint(own, whole);
  const [program, first] = words;
  if (program === 'npm') {
    const script = first === 'run' ? words.slice(2).find((word) => !word.startsWith('-')) : first;
    const runs = first === 'run' || first === 'start' || first === 'test';
    return runs && (script === undefined || !Object.hasOwn(scripts, script)) ? `no npm script ${script}` : undefined;
  }
  const file = program?.endsWith('node') ? words.slice(1).find((word) => !word.startsWith('-')) : program;
  if (file === undefined || !/^(\.ci|bench|examples|scripts|src|test)\//.test(file)) return undefined;
  return existsSync(join(REPOSITORY, file)) ? undefined : `there is no ${file}`;
}

/** The arguments that a command gives to our program, however it calls it. */
function ownArguments(words: readonly string[]): readonly string[] | undefined {
  const text = words.join(' ');
  if (words[0] === 'tunnelite') return words.slice(1);
  if (text.startsWith('npx tunnelite')) return words.slice(2);
  if (/^npm run (-s )?tunnelite --/.test(text)) return words.slice(words.indexOf('--') + 1);
  if (text.startsWith('npm start')) return ['start', ...afterDashes(words)];
  if (/^npm run (-s )?demo/.test(text)) return ['demo', ...afterDashes(words)];
  if (/^docker compose (exec|run)/.test(text)) {
    const service = words.findIndex((word, index) => index > 2 && !word.startsWith('-'));
    return words[2] === 'run' ? words.slice(service + 1) : ownArguments(words.slice(service + 1));
  }
  return undefined;
}

function afterDashes(words: readonly string[]): readonly string[] {
  const at = words.indexOf('--');
  return at < 0 ? [] : words.slice(at + 1);
}

/** Asks the program's own tree of commands, its own check of options and its own configuration. */
async function cliComplaint(argv: readonly string[], whole: boolean): Promise<string | undefined> {
  let one: Command = root;
  let rest = argv;
  while (one.subCommands) {
    const [word] = rest;
    const known = word !== undefined && Object.hasOwn(one.subCommands, word);
    // A group that does something by itself takes words of its own.
    if (one.run && !known && Object.values(one.args ?? {}).some(({ type }) => type === 'positional')) break;
    if (word === undefined || word.startsWith('-')) {
      return word === undefined || ['--help', '-h', '--version', '-v'].includes(word)
        ? undefined
        : `no option ${word} before a command`;
    }
    if (!known) return `no command ${word}`;
    one = await one.subCommands[word]!.load();
    rest = rest.slice(1);
  }
  const definitions = one.args ?? {};
  try {
    checkOptions(rest, definitions);
    if (!whole) return undefined;
    const args = parseArgs([...rest], definitions) as Record<string, unknown>;
    // Options of its own that are called as those of `start` are no settings.
    const known = startOptions as Readonly<Record<string, unknown>>;
    const settings = Object.fromEntries(Object.entries(args).filter(([name]) => definitions[name] === known[name]));
    if ('config' in definitions) configFromArgs(settings, rest, { out() {}, err() {}, env: {}, colors: false });
    const { wrong } = args;
    if (typeof wrong === 'string' && wrong !== 'list' && !Object.hasOwn(WRONG_TOKENS, wrong)) {
      return `no wrong token ${wrong}`;
    }
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
