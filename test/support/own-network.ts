import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';

const CLONE_NEWNET = 0x4000_0000;

interface Koffi {
  load(path: string): { func(prototype: string): (flags: number) => number };
}

/**
 * Moves this process, and those that it starts, into a network of their own with nothing but loopback, where that is allowed. What listens
 * already stays where it is. For programs such as Chromium, which drop their connections whenever an interface comes or goes, as interfaces
 * of other tests do all the time. Returns whether it was done.
 */
export function moveToOwnNetwork(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    if (koffi.load('libc.so.6').func('int unshare(int flags)')(CLONE_NEWNET) !== 0) return false;
  } catch {
    // Without native code, or with another C library, tests bear what others do to the network.
    return false;
  }
  execFileSync('ip', ['link', 'set', 'lo', 'up'], { timeout: 30_000 });
  return true;
}
