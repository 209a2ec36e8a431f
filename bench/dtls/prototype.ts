import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

/**
 * A second implementation to compare with, if TUNNELITE_PROTOTYPES names the folder that holds it: copied, so that it
 * finds our koffi. Returns its folder, which goes when the process ends.
 */
export function prototypeFolder(): string | undefined {
  const source = process.env.TUNNELITE_PROTOTYPES;
  if (!source) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'tunnelite-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  cpSync(join(source, 'dtls'), folder, { recursive: true });
  mkdirSync(join(folder, 'npm', 'node_modules'), { recursive: true });
  symlinkSync(resolve('node_modules/koffi'), join(folder, 'npm', 'node_modules', 'koffi'));
  return folder;
}
