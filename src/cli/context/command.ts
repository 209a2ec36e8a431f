import type { ArgsDef, CommandDef, ParsedArgs } from 'citty';
import { TunneliteError } from '../../lib/errors.ts';
import { suggest } from '../../lib/schema/suggest.ts';
import type { CliIo } from './io.ts';

/** The environment of a command. */
export interface CommandContext<T extends ArgsDef = ArgsDef> {
  readonly args: ParsedArgs<T>;
  readonly rawArgs: readonly string[];
  readonly io: CliIo;
}

/** A command or a group of commands. `run` returns the exit code. */
export interface Command<T extends ArgsDef = ArgsDef> {
  readonly args?: T;
  readonly run?: (context: CommandContext<T>) => Promise<number>;
  readonly subCommands?: Readonly<Record<string, SubCommand>>;
}

/** A command in its group's list. */
export interface SubCommand {
  readonly description: string;
  readonly load: () => Promise<Command>;
}

/** Infers the types of a command's arguments from their definition. */
export function command<const T extends ArgsDef>(definition: Command<T>): Command {
  return definition as unknown as Command;
}

/** The same in citty's form, for help texts; the commands of a group are only listed, not loaded. */
export function forUsage({ args = {}, subCommands }: Command, name: string, description: string): CommandDef {
  const listed = Object.entries(subCommands ?? {}).map(([key, sub]): [string, CommandDef] => [
    key,
    { meta: { name: key, description: sub.description } },
  ]);
  return { meta: { name, description }, args, ...(subCommands ? { subCommands: Object.fromEntries(listed) } : {}) };
}

/**
 * Rejects unknown options, and options without a required value: citty ignores both.
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function checkOptions(rawArgs: readonly string[], args: ArgsDef): void {
  const byName = new Map<string, ArgsDef[string]>();
  for (const [name, definition] of Object.entries(args)) {
    if (definition.type === 'positional') continue;
    byName.set(name, definition);
    for (const alias of [('alias' in definition && definition.alias) || []].flat()) byName.set(alias, definition);
  }
  const positional = Object.values(args).filter((definition) => definition.type === 'positional');
  // `file…`: any number.
  let positionals = positional.some(({ valueHint }) => valueHint?.endsWith('…')) ? Infinity : positional.length;
  for (let i = 0; i < rawArgs.length; i++) {
    const text = rawArgs[i]!;
    if (text === '--') return;
    if (!text.startsWith('-') || text === '-') {
      if (positionals-- > 0) continue;
      const hint = args.config ? `For a configuration file use --config ${text}; --help lists all options.` : undefined;
      throw new TunneliteError('ERR_CLI_USAGE', `The argument "${text}" is unexpected.`, hint ? { hint } : {});
    }
    const name = text.replace(/^--?/, '').replace(/=.*$/s, '');
    const definition = byName.get(name) ?? byName.get(name.replace(/^no-/, ''));
    if (!definition) {
      const meant = suggest(
        name,
        [...byName.keys()].filter((known) => known.length > 1),
      );
      throw new TunneliteError('ERR_CLI_USAGE', `There is no option ${text.replace(/=.*$/s, '')}.`, {
        ...(meant ? { hint: `Did you mean --${meant}?` } : {}),
      });
    }
    if (definition.type !== 'string' && definition.type !== 'enum') continue;
    if (text.includes('=')) continue;
    const value = rawArgs[++i];
    if (value === undefined || /^--[a-z]/.test(value)) {
      throw new TunneliteError('ERR_CLI_USAGE', `The option ${text} needs a value.`);
    }
  }
}

/** All values of an option that may be repeated. @param alias its short name */
export function repeated(rawArgs: readonly string[], name: string, alias?: string): string[] {
  const values: string[] = [];
  for (const [i, text] of rawArgs.entries()) {
    if (text === '--') break;
    if (text === `--${name}` || text === `-${alias}`) values.push(rawArgs[i + 1] ?? '');
    else if (text.startsWith(`--${name}=`)) values.push(text.slice(name.length + 3));
    else if (alias !== undefined && text.startsWith(`-${alias}=`)) values.push(text.slice(alias.length + 2));
  }
  return values;
}
