import { type LoadedConfig, refuseProblems } from '../config/index.ts';
import { absentUsers } from '../entra/directory/absent-users.ts';
import { Directory } from '../entra/directory/directory.ts';
import type { DirectoryInput } from '../entra/directory/input-types.ts';
import { DirectorySchema } from '../entra/directory/schema.ts';
import { isTunneliteError } from '../lib/errors.ts';
import { type Path, type Problem, validate } from '../lib/schema/index.ts';

/**
 * Builds the directory of a configuration, and reports each mistake in it like any other of the configuration: with file, line and
 * column. The simulator itself would refuse it as well, but it no longer has the file.
 *
 * @returns undefined if the configuration has none, which means the default one
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
export function checkDirectory({ config, locate }: Pick<LoadedConfig, 'config' | 'locate'>): Directory | undefined {
  const { directory } = config.identity;
  if (directory === null) return undefined;
  const top = ['identity', 'directory'];
  const { problems } = validate(DirectorySchema, directory, { complete: true });
  refuseProblems(
    problems.map((problem): Problem => ({ ...problem, path: [...top, ...problem.path] })),
    locate,
  );
  try {
    return new Directory(directory as unknown as DirectoryInput);
  } catch (error) {
    if (!isTunneliteError(error)) throw error;
    const path = [...top, ...((error.details.path as Path | undefined) ?? [])];
    const { message } = (error.cause as Error | undefined) ?? error;
    refuseProblems([{ path, message: message.replace(/\.$/, ''), hint: error.hint }], locate);
    throw error;
  }
}

/** Parts of a directory that are allowed but probably not intended, in words, each with its location. */
export function directoryWarnings(
  directory: Directory | undefined,
  { locate }: Pick<LoadedConfig, 'locate'>,
): readonly string[] {
  if (directory === undefined) return [];
  return absentUsers(directory).map(({ path, warning }) => `${locate(['identity', 'directory', ...path])}: ${warning}`);
}
