import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A copy of the repository, for one change at a time. */
export interface TreeCopy extends Disposable {
  readonly root: string;
  /** Writes a file of the copy. */
  write(path: string, text: string): void;
}

/** What is not copied: the history, what was installed (linked instead), and what earlier runs left. */
const LEFT_OUT: ReadonlySet<string> = new Set(['.git', 'node_modules', '.tap', 'dist']);

/** Copies the tree at `root` into a temporary folder, which `Symbol.dispose` removes. */
export function copyTree(root: string): TreeCopy {
  const copy = mkdtempSync(join(tmpdir(), 'tunnelite-mutate-'));
  cpSync(root, copy, { recursive: true, filter: (path) => path === root || !LEFT_OUT.has(basename(path)) });
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'));
  return {
    root: copy,
    write: (path, text) => writeFileSync(join(copy, path), text),
    [Symbol.dispose]: () => rmSync(copy, { recursive: true, force: true, maxRetries: 3 }),
  };
}
