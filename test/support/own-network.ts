import { execFileSync } from 'node:child_process';
import { type Koffi, loadKoffi } from '../../src/udp/koffi.ts';

const CLONE_NEWNET = 0x4000_0000;

/**
 * Moves this process, and those that it starts, into a network of their own with nothing but loopback, where that is allowed. What listens
 * already stays where it is. For programs such as Chromium, which drop their connections whenever an interface comes or goes, as interfaces
 * of other tests do all the time. Returns whether it was done.
 */
export function moveToOwnNetwork(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  const loaded = loadKoffi();
  // Without native code, tests bear what others do to the network.
  if ('missing' in loaded || !unshareNetwork(loaded.koffi)) return false;
  execFileSync('ip', ['link', 'set', 'lo', 'up'], { timeout: 30_000 });
  return true;
}

function unshareNetwork(koffi: Koffi): boolean {
  try {
    return koffi.load('libc.so.6').func('unshare', 'int', ['int'])(CLONE_NEWNET) === 0;
  } catch {
    // Another C library.
    return false;
  }
}
