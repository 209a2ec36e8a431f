import { randomBytes } from 'node:crypto';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { whileHeld } from '../../lib/held-file.ts';
import type { Announcement } from './instance.ts';
import type { CliProblem } from './problem.ts';

/** The message from `start --ready-file` to `wait`: that everything works, or why it never will. */
export type ReadyState =
  | ({ readonly ready: true } & Announcement)
  | { readonly ready: false; readonly error: CliProblem };

/**
 * Writes the file atomically, so that a reader always sees all of it.
 *
 * @param held retries while another program holds the file, like `wait` when it reads
 * @throws TunneliteError `ERR_CLI_FILE`
 */
export async function writeReadyFile(file: string, state: ReadyState, held = whileHeld): Promise<void> {
  const path = resolve(file);
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    await writeFile(temporary, `${JSON.stringify(state)}\n`, { flag: 'wx' });
    await held(() => rename(temporary, path));
  } catch (cause) {
    await held(() => rm(temporary, { force: true })).catch(() => undefined);
    throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be written: ${errorText(cause)}`, { cause });
  }
}

/** The content of the file; undefined if there is none. @throws TunneliteError `ERR_CLI_FILE` */
export async function readReadyFile(file: string): Promise<ReadyState | undefined> {
  try {
    return JSON.parse(await whileHeld(() => readFile(file, 'utf8'))) as ReadyState;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}

/** Removes the file, if there is one. @throws TunneliteError `ERR_CLI_FILE` */
export async function removeReadyFile(file: string): Promise<void> {
  try {
    await whileHeld(() => rm(file, { force: true }));
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be removed: ${errorText(cause)}`, { cause });
  }
}

/** Removes the file, unless a later instance has written its own. */
export async function withdrawReadyFile(file: string, { pid, admin }: Announcement): Promise<void> {
  const left = await readReadyFile(file);
  if (left?.ready && left.pid === pid && left.admin === admin) await removeReadyFile(file);
}
