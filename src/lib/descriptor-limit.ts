import { readFileSync } from 'node:fs';

/** How many file descriptors this process may have; undefined where the system does not say. */
export function descriptorLimit(): number | undefined {
  try {
    const match = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'));
    return match ? Number(match[1]) : undefined;
  } catch {
    return undefined;
  }
}

/** The lesser of `most` and that part of the process's file descriptors: none of those who take them leaves the others without. */
export function withinDescriptors(most: number, part: number): number {
  const limit = descriptorLimit();
  return limit === undefined ? most : Math.min(most, Math.floor(limit / part));
}
