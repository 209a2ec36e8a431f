import { type ChangedMember, type Config, type ConfigChange, type LoadedConfig, planReload } from '../config/index.ts';
import { Directory } from '../entra/directory/directory.ts';
import { errorText, isTunneliteError, TunneliteError } from '../lib/errors.ts';
import type { Emit } from '../telemetry/index.ts';
import { checkDirectory, directoryWarnings } from './check-directory.ts';

/** Result of a reload of the configuration. */
export interface ReloadResult extends ConfigChange {
  /** Absolute path of the file that was read, if there was one. */
  readonly file: string | undefined;
  /** Settings that are allowed but probably not intended, in words. */
  readonly warnings: readonly string[];
}

/** Reads the configuration again, in the same way as at the start. */
export type ConfigSource = () => Pick<LoadedConfig, 'config' | 'locate' | 'warnings' | 'file'>;

interface ReloadOptions {
  readonly emit: Emit;
  /** The configuration in force. */
  readonly current: () => Config;
  /** The tenant that `common` means, and that is in the simulator's URLs. */
  readonly defaultTenant: () => string | undefined;
  /** Throws if a configuration cannot be applied in the current state. */
  readonly assertPossible: (config: Config) => void;
  /** Applies a configuration. Does not fail. */
  readonly apply: (config: Config, change: ConfigChange) => void;
}

const DIRECTORY = 'identity.directory';

/**
 * Reads a configuration and applies the changes that do not need a restart. An invalid one changes nothing.
 * @throws TunneliteError those of `source`, `ERR_CONFIG_INVALID` for the directory, `ERR_CONFIG_RELOAD`
 */
export function reloadConfig(source: ConfigSource | undefined, options: ReloadOptions): ReloadResult {
  const { apply, assertPossible, current, defaultTenant, emit } = options;
  try {
    if (source === undefined) {
      throw new TunneliteError('ERR_CONFIG_RELOAD', 'This simulator was started by a program, not from a file.', {
        hint: 'Call sim.reload with the new configuration in that program.',
      });
    }
    const loaded = source();
    const checked = checkDirectory(loaded);
    const directory = checked ?? new Directory();
    const before = current();
    let plan = planReload(before, loaded.config);
    const tenant = defaultTenant();
    const other = plan.applied.find(({ member }) => member === DIRECTORY);
    if (other && tenant !== undefined && directory.defaultTenant.id !== tenant) {
      plan = keptDirectory(plan, other, before);
    }
    const { config, applied, needsRestart } = plan;
    assertPossible(config);
    apply(config, plan);
    emit('config.reloaded', { applied: names(applied), needsRestart: names(needsRestart) });
    return {
      applied,
      needsRestart,
      file: loaded.file,
      warnings: [...loaded.warnings, ...directoryWarnings(checked, loaded)],
    };
  } catch (error) {
    const explanation = errorText(error);
    emit('config.refused', { code: isTunneliteError(error) ? error.code : 'ERR_INTERNAL', explanation });
    throw error;
  }
}

/** The first tenant is in URLs that clients have stored: changing it requires a restart. */
function keptDirectory(plan: ReturnType<typeof planReload>, other: ChangedMember, before: Config): typeof plan {
  return {
    applied: plan.applied.filter((one) => one !== other),
    needsRestart: [...plan.needsRestart, { ...other, takesEffect: 'restart' }],
    config: { ...plan.config, identity: { ...plan.config.identity, directory: before.identity.directory } },
  };
}

const names = (members: readonly ChangedMember[]): string => members.map(({ member }) => member).join(', ');
