import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { importsOf } from '../dependencies.ts';

/** Which files of the repository a file needs, through however many others. */
export interface ImportGraph {
  /** Paths from the root, with the file itself. */
  closure(file: string): ReadonlySet<string>;
  /** Changes when the text of any file of the closure does. */
  fingerprint(file: string): string;
}

/** Programs that a file starts by their path, such as `src/cli/main.js`: not imported, and needed all the same. */
const PROGRAM = /(?:src|test|scripts)\/[\w./-]+\.(?:ts|js)/g;

/** Reads the imports of files under `root`, and the paths of programs in their text, when they are asked for. */
export function importGraph(root: string): ImportGraph {
  const needs = new Map<string, { readonly files: readonly string[]; readonly hash: string }>();

  const read = (file: string) => {
    const known = needs.get(file);
    if (known) return known;
    const text = readFileSync(join(root, file), 'utf8');
    const imported = importsOf({ path: file, text })
      .filter((name) => name.startsWith('.'))
      .map((name) => posix.join(posix.dirname(file), name));
    const started = file.startsWith('src/') ? [] : [...text.matchAll(PROGRAM)].map(([path]) => path);
    const files = [...imported, ...started].filter((path) => /\.(?:ts|js)$/.test(path) && existsSync(join(root, path)));
    const entry = { files, hash: createHash('sha256').update(text).digest('hex') };
    needs.set(file, entry);
    return entry;
  };

  const closure = (file: string): ReadonlySet<string> => {
    const seen = new Set([file]);
    for (const path of seen) for (const next of read(path).files) seen.add(next);
    return seen;
  };

  return {
    closure,
    fingerprint(file) {
      const hash = createHash('sha256').update(process.version);
      for (const path of [...closure(file)].sort()) hash.update(`${path}\0${read(path).hash}\n`);
      return hash.digest('hex');
    },
  };
}
