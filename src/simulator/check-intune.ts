import { type LoadedConfig, refuseProblems } from '../config/index.ts';
import { Directory } from '../entra/directory/directory.ts';
import { serverConfigurationFault } from './server-configuration.ts';

/**
 * Reports each mistake in the sites and policies of a configuration like any other of it: with file, line and column.
 * @param directory the configuration's directory, whose users and apps they refer to; undefined: the default one
 * @throws TunneliteError `ERR_CONFIG_INVALID`
 */
export async function checkIntune(
  { config, locate }: Pick<LoadedConfig, 'config' | 'locate'>,
  directory: Directory | undefined,
): Promise<void> {
  if (config.intune === null) return;
  const { documentFault } = await import('../intune/index.ts');
  const fault = documentFault(config.intune, directory ?? new Directory(), (object) =>
    serverConfigurationFault(config, object),
  );
  if (!fault) return;
  const { path, message } = fault;
  refuseProblems([{ path: ['intune', ...path], message: message.replace(/\.$/, '') }], locate);
}
