import { execFileSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { guardNamespace } from './cleanup-process.ts';

/** True where a missing peer is a failure: in CI (`TUNNELITE_INTEROP=required`). */
export const interopRequired = process.env.TUNNELITE_INTEROP === 'required';

/** The absolute path of a program, or undefined. */
export function which(program: string): string | undefined {
  for (const dir of [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/bin']) {
    const path = join(dir, program);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** What an interop suite needs of the machine. */
export interface InteropNeeds {
  readonly programs?: readonly string[];
  /** Packages that are no program, each with a look for it. */
  readonly packages?: Readonly<Record<string, () => boolean>>;
  readonly root?: boolean;
  /** Root with network namespaces (`ip netns`). */
  readonly namespaces?: boolean;
  /** A TUN device may be opened. */
  readonly tun?: boolean;
}

function missing(needs: InteropNeeds): string | undefined {
  const absent = [
    ...(needs.programs ?? []).filter((program) => !which(program)),
    ...Object.entries(needs.packages ?? {}).flatMap(([name, isThere]) => (isThere() ? [] : [name])),
  ];
  if (absent.length > 0) return `not installed: ${absent.join(', ')}`;
  if ((needs.root || needs.namespaces || needs.tun) && process.getuid?.() !== 0) return 'needs root';
  if (needs.namespaces) {
    const name = `tl-probe-${process.pid}`;
    const released = guardNamespace(name);
    try {
      execFileSync('ip', ['netns', 'add', name], { stdio: 'ignore' });
      execFileSync('ip', ['netns', 'del', name], { stdio: 'ignore' });
      released();
    } catch {
      return 'network namespaces cannot be made here';
    }
  }
  if (needs.tun) {
    try {
      accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    } catch {
      return '/dev/net/tun cannot be opened';
    }
  }
  return undefined;
}

/**
 * For tap's `skip` option: false when all is there, a sentence when a suite must be skipped.
 * Where interop is required it throws instead, so that a missing peer fails the run.
 */
export function skipUnless(needs: InteropNeeds): string | false {
  const reason = missing(needs);
  if (reason === undefined) return false;
  if (interopRequired) throw new Error(`Interop is required here, but: ${reason}.`);
  const remedy = reason.startsWith('not installed') ? 'install it, or run .ci/run' : 'run .ci/run as root';
  return `skipped: ${reason} (${remedy}, to include this suite)`;
}
