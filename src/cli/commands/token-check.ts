import { readFileSync } from 'node:fs';
import type { TokenInspection } from '../../bearer/index.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { ask, type Instance } from '../context/instance.ts';
import { type CliIo, EXIT } from '../context/io.ts';

/** Prints the gateway's verdict on the token in a file (`-`: standard input): one line per check. The exit code is 1 if it would refuse it. */
export async function checkToken(instance: Instance, file: string, json: boolean, io: CliIo): Promise<number> {
  const token = readToken(file);
  const inspection = (await ask(instance, '/api/tokens/check', { token })).value as TokenInspection;
  const { ok, policy, refusal, checks } = inspection;
  if (json) {
    io.out(`${JSON.stringify(inspection)}\n`);
    return ok ? EXIT.ok : EXIT.failed;
  }
  const width = Math.max(...checks.map(({ name }) => name.length));
  for (const { name, outcome, found, wants, explanation } of checks) {
    const values = Object.entries(found).map(([claim, value]) => `${claim} ${value}`);
    const said = explanation ?? (values.length > 0 ? values.join(', ') : wants);
    io.out(`${MARKS[outcome]} ${name.padEnd(width)}  ${printable(said)}\n`);
  }
  io.out(
    ok
      ? `The gateway would accept it (policy ${policy}).\n`
      : `The gateway would refuse it (policy ${policy}${refusal ? `, ${refusal.reason}` : ''}).\n`,
  );
  return ok ? EXIT.ok : EXIT.failed;
}

const MARKS = { passed: 'ok ', failed: 'NO ', 'not reached': ' - ' } as const;

function readToken(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8')
      .trim()
      .replace(/^(?:authorization:\s*)?bearer\s+/i, '');
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}
