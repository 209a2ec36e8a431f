import type { ArgsDef } from 'citty';
import type { Command } from '../../src/cli/context/command.ts';
import { fileOptions } from '../../src/cli/context/config-options.ts';
import { PROGRAM, root } from '../../src/cli/root.ts';
import { cell, codeCell } from './cell.ts';

type Definition = ArgsDef[string];

const SETTINGS = new Set(Object.keys(fileOptions));

/** docs/reference/cli.md: every command with its arguments and options, from the tables that the program parses by. */
export async function cliPage(): Promise<string> {
  const parts = await commandsOf(root, PROGRAM.name, 2);
  return `${HEAD}
## Options that most commands have

These commands read the configuration, to find the running instance or to start one. Their tables below leave these options out.

${optionTable(fileOptions)}

${parts.join('\n\n')}
`;
}

async function commandsOf(group: Command, name: string, level: number): Promise<string[]> {
  const parts: string[] = [];
  for (const [word, { description, load }] of Object.entries(group.subCommands ?? {})) {
    const one = await load();
    const path = `${name} ${word}`;
    parts.push(section(one, path, description, level));
    parts.push(...(await commandsOf(one, path, level + 1)));
  }
  return parts;
}

function section(one: Command, path: string, description: string, level: number): string {
  const args = one.args ?? {};
  const positional = Object.entries(args).filter(([, { type }]) => type === 'positional');
  const all = Object.entries(args).filter(([, { type }]) => type !== 'positional');
  const own = Object.fromEntries(all.filter(([name]) => !SETTINGS.has(name)));
  const readsSettings = all.some(([name]) => SETTINGS.has(name));
  const words = positional.map(([name, { required }]) => (required === false ? `[${name}]` : `<${name}>`));
  const commands = Object.keys(one.subCommands ?? {});
  const usage = [path, ...(all.length > 0 ? ['[options]'] : []), ...words].join(' ');
  const parts = [`${'#'.repeat(level)} ${path}`, `${description}.`];
  if (one.run) parts.push(`\`\`\`text\n${usage}\n\`\`\``);
  if (commands.length > 0) {
    parts.push(
      `${one.run ? 'It also has the commands' : 'Commands:'} ${commands.map((word) => `\`${word}\``).join(', ')}.`,
    );
  }
  if (positional.length > 0) {
    const rows = positional.map(
      ([name, definition]) => `| \`${name}\` | ${cell(definition.description ?? '')}${fallback(definition)} |`,
    );
    parts.push(`| Argument | Meaning |\n|---|---|\n${rows.join('\n')}`);
  }
  if (Object.keys(own).length > 0) parts.push(optionTable(own));
  if (readsSettings) parts.push('Also the [options that most commands have](#options-that-most-commands-have).');
  return parts.join('\n\n');
}

function optionTable(args: ArgsDef): string {
  const rows = Object.entries(args).map(([name, definition]) => {
    const alias = 'alias' in definition && definition.alias ? [definition.alias].flat() : [];
    const hint = definition.type === 'boolean' ? '' : ` <${hintOf(definition)}>`;
    const names = [...alias.map((short) => `${short.length === 1 ? '-' : '--'}${short}`), `--${name}${hint}`];
    return `| ${names.map(codeCell).join(', ')} | ${cell(definition.description ?? '')}${fallback(definition)} |`;
  });
  return `| Option | Meaning |\n|---|---|\n${rows.join('\n')}`;
}

function hintOf(definition: Definition): string {
  if (definition.type === 'enum' && definition.options) return definition.options.join('|');
  return definition.valueHint ?? 'value';
}

function fallback(definition: Definition): string {
  const value = definition.default;
  if (value === undefined || value === false || value === '') return '';
  return definition.type === 'boolean' ? '' : ` (default \`${String(value)}\`)`;
}

const HEAD = `# Commands

In a project that has the package, write \`npx tunnelite\`. In this repository, write \`npm run -s tunnelite --\`. \`--help\` after any command explains
it, and \`tunnelite --version\` prints the version.

\`--json\` prints output for programs, errors included: \`{"error":{"code","message","hint"}}\`, with a code of [the table](errors.md).
Errors go to standard error, or with \`--json\` to standard output. \`TUNNELITE_DEBUG=1\` adds the stack.

| Exit code | Meaning |
|---|---|
| 0 | Success |
| 1 | The command could not do what you asked, or a check failed |
| 2 | The command line or the configuration is wrong |

This page is generated from the tables in \`src/cli\`.
`;
