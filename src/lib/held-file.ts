import { setTimeout } from 'node:timers/promises';

/** Error codes of Windows for a file that another program has open: a reader, a virus scanner, an indexer. */
const HELD = new Set<unknown>(['EPERM', 'EACCES', 'EBUSY']);

/** Pauses between attempts in milliseconds: such programs close the file soon, and a permanent error is reported after two seconds. */
const PAUSES_MS = [10, 20, 50, 100, 200, 400, 600, 600];

/**
 * Opens, renames, links or deletes a file, and tries again while another program has it open. Only Windows refuses this; on other systems
 * the first attempt counts.
 */
export async function whileHeld<T>(
  work: () => Promise<T>,
  platform: NodeJS.Platform = process.platform,
  pause: (ms: number) => Promise<unknown> = setTimeout,
): Promise<T> {
  for (const ms of platform === 'win32' ? PAUSES_MS : []) {
    try {
      return await work();
    } catch (error) {
      if (!HELD.has((error as NodeJS.ErrnoException | undefined)?.code)) throw error;
      await pause(ms);
    }
  }
  return work();
}
