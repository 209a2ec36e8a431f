import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import type { LoadResult } from '../../load/index.ts';
import { type CliIo, EXIT } from '../context/io.ts';

/** Destinations of a result. */
export const outputOptions = {
  out: { type: 'string', valueHint: 'file', description: 'Also write the result to this file, as JSON' },
  junit: { type: 'string', valueHint: 'file', description: 'Also write the thresholds to this file, as JUnit XML' },
  html: {
    type: 'string',
    valueHint: 'file',
    description: 'Also write a report with plots to this file: one self-contained HTML file',
  },
  json: { type: 'boolean', description: 'The result as JSON' },
} as const;

/** Files to write a result to, by option, and the content of each. */
const WRITERS: readonly (readonly [option: string, write: (result: LoadResult) => Promise<string>])[] = [
  ['out', async (result) => `${JSON.stringify(result)}\n`],
  ['junit', async (result) => (await import('../../load/index.ts')).loadJunitXml(result)],
  ['html', async (result) => (await import('../../load/index.ts')).resultHtml(result)],
];

type Args = Readonly<Record<string, unknown>>;

const fileOf = (args: Args, option: string): string | undefined => {
  const value = args[option];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/**
 * Checks whether the files can be written, before an hour of load and not after it.
 * @throws TunneliteError `ERR_CLI_USAGE`
 */
export function checkOutputs(args: Args): void {
  for (const [option] of WRITERS) {
    const file = fileOf(args, option);
    if (file === undefined) continue;
    try {
      const there = statSync(file, { throwIfNoEntry: false });
      if (there?.isDirectory()) throw new Error('it is a folder');
      accessSync(there ? file : dirname(resolve(file)), constants.W_OK);
    } catch (cause) {
      throw unwritable(option, file, cause);
    }
  }
}

/**
 * Prints a result, and writes it to the requested files. Returns the exit code for it.
 * @throws TunneliteError `ERR_CLI_USAGE` after printing the result, if a file cannot be written
 */
export async function deliver(result: LoadResult, args: Args, io: CliIo): Promise<number> {
  const { resultText } = await import('../../load/index.ts');
  io.out(args.json ? `${JSON.stringify(result)}\n` : resultText(result));
  for (const [option, write] of WRITERS) {
    const file = fileOf(args, option);
    if (file === undefined) continue;
    const text = await write(result);
    try {
      writeFileSync(file, text);
    } catch (cause) {
      throw unwritable(option, file, cause);
    }
  }
  return result.outcome === 'passed' ? EXIT.ok : EXIT.failed;
}

function unwritable(option: string, file: string, cause: unknown): TunneliteError {
  return new TunneliteError(
    'ERR_CLI_USAGE',
    `The file ${file} of --${option} cannot be written: ${errorText(cause)}.`,
    {
      cause,
      hint: 'Use a file in an existing folder that you can write to.',
    },
  );
}
