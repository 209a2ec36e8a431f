import { cpSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Lock } from './dependencies.ts';

/**
 * Copies the installed packages that are not for development alone, which is what `npm prune --omit=dev` leaves, to
 * `node_modules` in another folder. Needs no network.
 *
 * @param from a folder with `package-lock.json` and `node_modules`
 */
export function copyProductionPackages(from: string, to: string): void {
  const { packages } = JSON.parse(readFileSync(join(from, 'package-lock.json'), 'utf8')) as Lock;
  for (const [place, { dev }] of Object.entries(packages)) {
    // Packages within another one come along with that. Optional ones of other systems are not there.
    const isTop = place.lastIndexOf('node_modules/') === 0;
    if (!isTop || dev || !existsSync(join(from, place))) continue;
    cpSync(join(from, place), join(to, place), { recursive: true });
  }
}
