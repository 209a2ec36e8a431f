import { constants, type Stats } from 'node:fs';
import { access, chmod, link, mkdir, open, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { whileHeld } from '../lib/held-file.ts';
import type { RandomSource } from '../lib/random.ts';
import { MAX_FILE_BYTES } from './constants.ts';

/** Named private files: read and replaced as a whole, or created once. */
export interface FileStore {
  /** Absolute path of the folder; undefined in memory. */
  readonly path: string | undefined;
  pathOf(name: string): string | undefined;
  read(name: string): Promise<string | undefined>;
  /** Replaces the file; a reader sees the old or the new text, never a part. */
  write(name: string, text: string, mode: number): Promise<void>;
  /** Writes the file unless it exists. False: another process was first. */
  create(name: string, text: string, mode: number): Promise<boolean>;
  /** Deletes the file, if there is one. */
  remove(name: string): Promise<void>;
}

/** Files in memory, for tests and temporary simulators. */
export function memoryFiles(): FileStore {
  const files = new Map<string, string>();
  return {
    path: undefined,
    pathOf: () => undefined,
    read: async (name) => files.get(name),
    write: async (name, text) => void files.set(name, text),
    create: async (name, text) => !files.has(name) && files.set(name, text).has(name),
    remove: async (name) => void files.delete(name),
  };
}

/**
 * Files in a folder, which is created if missing (mode 0700, with a `.gitignore` that keeps it out of git).
 * Several processes may start with the same folder at once: files are created only by rename or hard link.
 * @throws TunneliteError `ERR_CERT_DIRECTORY`
 */
export async function directoryFiles(directory: string, random: RandomSource): Promise<FileStore> {
  const path = resolve(directory);
  const pathOf = (name: string): string => join(path, name);
  const temporary = async (name: string, text: string, mode: number): Promise<string> => {
    const temp = pathOf(`.${name}.${process.pid}.${random.bytes(6).toString('hex')}.tmp`);
    await writeFile(temp, text, { mode, flag: 'wx' });
    await chmod(temp, mode); // The umask may have taken bits away from the mode given to open.
    return temp;
  };
  await explained(path, 'used', async () => {
    if (await makeFolder(path)) await writeFile(pathOf('.gitignore'), '*\n');
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  });
  return {
    path,
    pathOf,
    read: (name) => explained(pathOf(name), 'read', () => whileHeld(() => readPrivate(pathOf(name)))),
    write: (name, text, mode) =>
      explained(pathOf(name), 'written', async () => {
        const temp = await temporary(name, text, mode);
        try {
          await whileHeld(() => rename(temp, pathOf(name)));
        } catch (error) {
          await whileHeld(() => rm(temp, { force: true }));
          throw error;
        }
      }),
    remove: (name) => explained(pathOf(name), 'deleted', () => whileHeld(() => rm(pathOf(name), { force: true }))),
    create: (name, text, mode) =>
      explained(pathOf(name), 'written', async () => {
        const temp = await temporary(name, text, mode);
        try {
          await link(temp, pathOf(name));
          return true;
        } catch (error) {
          if (codeOf(error) === 'EEXIST') return false;
          // A file system without hard links: create in place, which is exclusive too, if not atomic.
          return await createInPlace(pathOf(name), text, mode);
        } finally {
          await whileHeld(() => rm(temp, { force: true }));
        }
      }),
  };
}

/**
 * Creates a folder and its parents. False: it exists. Does not use `mkdir({ recursive: true })`, which never returns
 * on a file system where the parent exists and nothing can be created in it, such as `/proc`.
 */
async function makeFolder(path: string): Promise<boolean> {
  const make = (): Promise<void> => mkdir(path, { mode: 0o700 });
  try {
    await make().catch(async (error: unknown) => {
      if (codeOf(error) !== 'ENOENT' || dirname(path) === path) throw error;
      await makeFolder(dirname(path));
      await make();
    });
    return true;
  } catch (error) {
    const there = await stat(path).catch(() => undefined);
    if (there?.isDirectory()) return false;
    if (there) throw new Error('it is not a folder', { cause: error });
    throw error;
  }
}

async function createInPlace(path: string, text: string, mode: number): Promise<boolean> {
  try {
    await writeFile(path, text, { mode, flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

async function readPrivate(path: string): Promise<string | undefined> {
  let info: Stats;
  try {
    info = await stat(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  if (!info.isFile() || info.size > MAX_FILE_BYTES) {
    throw new TunneliteError('ERR_CERT_CORRUPT', `${path} was not written by Tunnelite.`, { details: { path } });
  }
  const file = await open(path, 'r');
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function explained<T>(path: string, verb: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof TunneliteError) throw error;
    throw new TunneliteError('ERR_CERT_DIRECTORY', `${path} cannot be ${verb}: ${errorText(error)}`, {
      cause: error,
      details: { path },
    });
  }
}

function codeOf(error: unknown): unknown {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}
