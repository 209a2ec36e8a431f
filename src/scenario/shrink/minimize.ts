/**
 * The smallest part of a list that fails: delta debugging (Zeller and Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002,
 * section 3.2). Nothing can be removed from the result; another small part may fail too. The order is preserved.
 *
 * The number of attempts is logarithmic in the list's length for each entry that is needed, and quadratic in the worst case.
 *
 * @param fails whether a part fails; called once for each part
 * @param enough stops the search early, with the result so far
 */
export async function minimize<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean>,
  enough: () => boolean = () => false,
): Promise<readonly T[]> {
  const known = new Map<string, boolean>();
  const tried = async (part: readonly number[]): Promise<boolean> => {
    const key = part.join();
    let failed = known.get(key);
    if (failed === undefined) {
      failed = await fails(part.map((index) => items[index]!));
      known.set(key, failed);
    }
    return failed;
  };
  let left = items.map((_, index) => index);
  if (left.length === 0 || (await tried([]))) return [];
  let pieces = Math.min(2, left.length);
  while (left.length > 1 && !enough()) {
    const smaller = await smallerPart(left, pieces, tried, enough);
    if (smaller) {
      left = smaller.part;
      pieces = Math.min(smaller.pieces, left.length);
    } else {
      if (pieces >= left.length) break;
      pieces = Math.min(2 * pieces, left.length);
    }
  }
  return left.map((index) => items[index]!);
}

/** One piece alone, or all but one, whichever fails first; and the number of pieces for the next cut. */
async function smallerPart(
  whole: readonly number[],
  pieces: number,
  tried: (part: readonly number[]) => Promise<boolean>,
  enough: () => boolean,
): Promise<{ readonly part: number[]; readonly pieces: number } | undefined> {
  const bound = (i: number): number => Math.round((i * whole.length) / pieces);
  const cuts = Array.from({ length: pieces }, (_, i) => [bound(i), bound(i + 1)] as const);
  for (const [from, to] of cuts) {
    if (enough()) return undefined;
    const part = whole.slice(from, to);
    if (await tried(part)) return { part, pieces: 2 };
  }
  // With two pieces, the rest of one is the other.
  if (pieces === 2) return undefined;
  for (const [from, to] of cuts) {
    if (enough()) return undefined;
    const part = [...whole.slice(0, from), ...whole.slice(to)];
    if (await tried(part)) return { part, pieces: pieces - 1 };
  }
  return undefined;
}
