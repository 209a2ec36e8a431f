import { readFileSync } from 'node:fs';

/** Number of file descriptors that this process may have; undefined if the system does not report it. */
export function descriptorLimit(): number | undefined {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/** The lesser of `most` and the given fraction of the process's file descriptors, so that no user of descriptors can take all of them. */
export function withinDescriptors(most: number, part: number): number {
  const limit = descriptorLimit();
  return limit === undefined ? most : Math.min(most, Math.floor(limit / part));
}
