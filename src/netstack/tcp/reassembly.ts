import { Buffer } from 'node:buffer';
import { MAX_PIECES, PIECE_OVERHEAD } from '../core/constants.ts';

interface Piece {
  readonly start: number;
  readonly data: Buffer;
}

/** A run of bytes without gaps. */
interface Range {
  start: number;
  end: number;
}

/**
 * Data received out of order: sorted pieces that do not overlap, and the ranges without gaps that they form. A segment costs a search in
 * each list, and a look at the ranges that it joins and the pieces that it covers, in whatever order segments arrive.
 */
export class Reassembly {
  readonly #pieces: Piece[] = [];
  readonly #ranges: Range[] = [];
  /** The range that changed last, which SACK reports first (RFC 2018 §4). */
  #recent: Range | undefined;
  /** Memory used, overhead included. */
  cost = 0;
  /** Number of pieces and ranges examined so far. */
  steps = 0;

  get empty(): boolean {
    return this.#ranges.length === 0;
  }

  /** Whether no more pieces are accepted. */
  get full(): boolean {
    return this.#pieces.length >= MAX_PIECES;
  }

  /** Memory that a piece of `length` bytes uses. */
  static cost(length: number): number {
    return length + PIECE_OVERHEAD;
  }

  /** Adds a copy of [start, start + data.length). False, storing nothing: all of it is present already. */
  add(start: number, data: Buffer): boolean {
    const end = (start + data.length) | 0;
    const ranges = this.#ranges;
    // The first range that ends at or after `start`, and the first one after it that `end` does not reach.
    const first = this.#find(ranges.length, (i) => ((ranges[i]!.end - start) | 0) >= 0);
    const candidate = ranges[first];
    if (candidate && ((candidate.start - start) | 0) <= 0 && ((candidate.end - end) | 0) >= 0) {
      this.#recent = candidate;
      return false;
    }
    const joined: Range = { start, end };
    let last = first;
    for (; last < ranges.length; last++) {
      const range = ranges[last]!;
      this.steps++;
      if (((range.start - end) | 0) > 0) break;
      if (((range.start - start) | 0) < 0) joined.start = range.start;
      if (((range.end - end) | 0) > 0) joined.end = range.end;
    }
    ranges.splice(first, last - first, joined);
    this.#recent = joined;
    this.#keep(start, end, data);
    return true;
  }

  /**
   * Passes on what follows `next` without a gap: `take(data, offset, length)` in order, each byte once. Returns the new next sequence
   * number.
   */
  drain(next: number, take: (data: Buffer, offset: number, length: number) => void): number {
    const ranges = this.#ranges;
    const pieces = this.#pieces;
    let usedRanges = 0;
    let edge = next;
    for (; usedRanges < ranges.length; usedRanges++) {
      const range = ranges[usedRanges]!;
      if (((range.start - edge) | 0) > 0) break;
      if (((range.end - edge) | 0) > 0) edge = range.end;
      if (range === this.#recent) this.#recent = undefined;
    }
    if (usedRanges === 0) return next;
    let used = 0;
    for (; used < pieces.length; used++) {
      const { start, data } = pieces[used]!;
      this.steps++;
      if (((start - edge) | 0) >= 0) break;
      this.cost -= Reassembly.cost(data.length);
      const skip = (next - start) | 0;
      if (skip >= data.length) continue;
      take(data, skip, data.length - skip);
      next = (start + data.length) | 0;
    }
    ranges.splice(0, usedRanges);
    pieces.splice(0, used);
    return next;
  }

  /** Writes up to `max` SACK blocks as pairs to `target`; returns how many. */
  blocks(target: Int32Array, max: number): number {
    let n = 0;
    const recent = this.#recent;
    if (recent && max > 0) {
      target[0] = recent.start;
      target[1] = recent.end;
      n = 1;
    }
    // The others from the far end: the ranges that changed most recently, since losses move forward.
    for (let i = this.#ranges.length - 1; i >= 0 && n < max; i--) {
      const range = this.#ranges[i]!;
      if (range === recent) continue;
      target[2 * n] = range.start;
      target[2 * n + 1] = range.end;
      n++;
    }
    return n;
  }

  /** Inserts a piece in place of those that it covers, without the bytes that its neighbors have. */
  #keep(start: number, end: number, data: Buffer): void {
    const pieces = this.#pieces;
    let from = start;
    let to = end;
    let first = this.#find(pieces.length, (i) => ((pieces[i]!.start + pieces[i]!.data.length - start) | 0) > 0);
    const before = pieces[first];
    if (before && ((before.start - start) | 0) < 0) {
      from = (before.start + before.data.length) | 0;
      first++;
    }
    let last = first;
    for (; last < pieces.length; last++) {
      const covered = pieces[last]!;
      this.steps++;
      if (((covered.start + covered.data.length - end) | 0) > 0) {
        if (((covered.start - end) | 0) < 0) to = covered.start;
        break;
      }
      this.cost -= Reassembly.cost(covered.data.length);
    }
    // Memory of its own: a small slice of a shared pool would retain the whole pool.
    const copy = Buffer.allocUnsafeSlow((to - from) | 0);
    data.copy(copy, 0, (from - start) | 0, (to - start) | 0);
    this.cost += Reassembly.cost(copy.length);
    const piece: Piece = { start: from, data: copy };
    if (first === pieces.length) pieces.push(piece);
    else pieces.splice(first, last - first, piece);
  }

  /** The first index of `count` that is `beyond`, as all after it are. Most arrivals are at the far end, so the search starts there. */
  #find(count: number, beyond: (index: number) => boolean): number {
    let low = 0;
    let high = count;
    let middle = count - 1;
    while (low < high) {
      this.steps++;
      if (beyond(middle)) high = middle;
      else low = middle + 1;
      middle = (low + high) >> 1;
    }
    return low;
  }
}
