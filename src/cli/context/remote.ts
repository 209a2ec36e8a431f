import type { RemoteSimulator } from '../../admin/index.ts';
import { isTunneliteError } from '../../lib/errors.ts';
import { configFromArgs, fileOptions } from './config-options.ts';
import { findInstance, type Instance, notRunning } from './instance.ts';
import type { CliIo } from './io.ts';

/** Options of every command that talks to a running instance. */
export const remoteOptions = {
  ...fileOptions,
  json: { type: 'boolean', description: 'As JSON' },
} as const;

/** The running instance, by the address stored in the certificate directory. */
export interface Connected {
  readonly instance: Instance;
  readonly sim: RemoteSimulator;
}

/** @throws TunneliteError `ERR_CLI_NOT_RUNNING` */
export async function connect(
  args: Readonly<Record<string, unknown>>,
  rawArgs: readonly string[],
  io: CliIo,
): Promise<Connected> {
  // A command may have options with the names of `start`'s options, such as --host: they are not settings.
  const where = Object.fromEntries(Object.keys(remoteOptions).map((name) => [name, args[name]]));
  const instance = findInstance(configFromArgs(where, rawArgs, io));
  const { connectSimulator } = await import('../../admin/remote/remote-simulator.ts');
  try {
    return { instance, sim: await connectSimulator(instance.admin, { secret: instance.secret }) };
  } catch (error) {
    if (!isTunneliteError(error, 'ERR_REMOTE_UNREACHABLE') && !isTunneliteError(error, 'ERR_ADMIN_SECRET')) throw error;
    throw notRunning(`the instance registered in the certificate directory has ended (${error.message})`, error);
  }
}
