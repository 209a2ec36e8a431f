import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What V8 writes at the end of a process with `NODE_V8_COVERAGE`. Offsets are those of the TypeScript: types become blanks. */
interface V8Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly endOffset: number; readonly count: number }[];
    }[];
  }[];
}

/** Which text of which source files ran: for each path the bounds of the parts that did, begin and end by turns. */
export type Reached = Readonly<Record<string, readonly number[]>>;

/** Bounds of the runs of ones. */
function boundsOf(ran: Uint8Array): number[] {
  const bounds: number[] = [];
  for (let at = 0; at <= ran.length; at++) {
    if ((ran[at] ?? 0) !== (ran[at - 1] ?? 0)) bounds.push(at);
  }
  return bounds;
}

/** What the processes of one test ran of the files under `root/src`; `folder` is where they left their coverage. */
export function reachedBy(folder: string, root: string): Reached {
  const all = new Map<string, Uint8Array>();
  for (const name of readdirSync(folder)) {
    const { result } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as V8Coverage;
    for (const { url, functions } of result) {
      if (!url.startsWith('file:')) continue;
      const path = relative(root, fileURLToPath(new URL(url))).replaceAll('\\', '/');
      if (!path.startsWith('src/')) continue;
      const ranges = functions.flatMap((each) => each.ranges);
      const length = Math.max(0, ...ranges.map((range) => range.endOffset));
      // The outer before the inner: the innermost range that holds a place says whether it ran.
      const ordered = ranges.toSorted((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset);
      const ran = new Uint8Array(length);
      for (const { startOffset, endOffset, count } of ordered) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset);
      const before = all.get(path);
      if (before) for (const [at, one] of before.entries()) if (one === 1) ran[at] = 1;
      all.set(path, ran);
    }
  }
  return Object.fromEntries([...all].map(([path, ran]) => [path, boundsOf(ran)]));
}

/** True when the place in the file ran. */
export function reaches(reached: Reached, file: string, offset: number): boolean {
  const bounds = reached[file] ?? [];
  const next = bounds.findIndex((bound) => bound > offset);
  return next % 2 === 1;
}
