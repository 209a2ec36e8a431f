import type { Buffer } from 'node:buffer';
import { PIECE_OVERHEAD } from '../constants.ts';

interface Piece {
  readonly start: number;
  readonly data: Buffer;
}

/** A run of bytes without gaps; its pieces are in order and may overlap. */
interface Range {
  start: number;
  end: number;
  readonly pieces: Piece[];
}

/**
 * Data that came ahead of its turn, as sorted ranges that do not touch. The order of `recent` is what SACK reports:
 * the range that changed last comes first (RFC 2018 §4).
 */
export class Reassembly {
  #ranges: Range[] = [];
  #recent: Range | undefined;
  /** Memory held, overhead included. */
  cost = 0;

  get empty(): boolean {
    return this.#ranges.length === 0;
  }

  get rangeCount(): number {
    return this.#ranges.length;
  }

  /** What a piece of `length` bytes costs. */
  static cost(length: number): number {
    return length + PIECE_OVERHEAD;
  }

  /**
   * Adds [start, start + data.length); keeps `data`. Returns false, keeping nothing, when all of it is held already.
   */
  add(start: number, data: Buffer): boolean {
    const end = (start + data.length) | 0;
    const ranges = this.#ranges;
    // First range that ends at or after `start`; arrivals are mostly at the far end, so look from there.
    let first = ranges.length;
    while (first > 0 && ((ranges[first - 1]!.end - start) | 0) >= 0) first--;
    const candidate = ranges[first];
    if (candidate && ((candidate.start - start) | 0) <= 0 && ((candidate.end - end) | 0) >= 0) {
      this.#recent = candidate;
      return false;
    }
    this.cost += Reassembly.cost(data.length);
    const piece: Piece = { start, data };
    if (!candidate || ((candidate.start - end) | 0) > 0) {
      const range: Range = { start, end, pieces: [piece] };
      ranges.splice(first, 0, range);
      this.#recent = range;
      return true;
    }
    let last = first;
    while (last + 1 < ranges.length && ((ranges[last + 1]!.start - end) | 0) <= 0) last++;
    for (let i = first + 1; i <= last; i++) {
      const other = ranges[i]!;
      for (const moved of other.pieces) candidate.pieces.push(moved);
      candidate.end = other.end;
    }
    if (last > first) ranges.splice(first + 1, last - first);
    if (((candidate.start - start) | 0) > 0) candidate.start = start;
    if (((candidate.end - end) | 0) < 0) candidate.end = end;
    insertPiece(candidate.pieces, piece);
    this.#recent = candidate;
    return true;
  }

  /**
   * Hands over what follows `next` without a gap: `take(data, offset, length)` in order, no byte twice.
   * Returns the new next sequence number.
   */
  drain(next: number, take: (data: Buffer, offset: number, length: number) => void): number {
    const ranges = this.#ranges;
    let used = 0;
    while (used < ranges.length) {
      const range = ranges[used]!;
      if (((range.start - next) | 0) > 0) break;
      for (const { start, data } of range.pieces) {
        this.cost -= Reassembly.cost(data.length);
        const skip = (next - start) | 0;
        if (skip >= data.length) continue;
        take(data, skip, data.length - skip);
        next = (start + data.length) | 0;
      }
      if (range === this.#recent) this.#recent = undefined;
      used++;
    }
    if (used > 0) ranges.splice(0, used);
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
    // The rest from the far end: the ranges that changed most lately, as losses go forward.
    for (let i = this.#ranges.length - 1; i >= 0 && n < max; i--) {
      const range = this.#ranges[i]!;
      if (range === recent) continue;
      target[2 * n] = range.start;
      target[2 * n + 1] = range.end;
      n++;
    }
    return n;
  }

  /** Whether any byte of [start, end) is held. */
  overlaps(start: number, end: number): boolean {
    for (const range of this.#ranges) {
      if (((range.start - end) | 0) < 0 && ((range.end - start) | 0) > 0) return true;
    }
    return false;
  }

  clear(): void {
    this.#ranges = [];
    this.#recent = undefined;
    this.cost = 0;
  }
}

function insertPiece(pieces: Piece[], piece: Piece): void {
  let at = pieces.length;
  while (at > 0 && ((pieces[at - 1]!.start - piece.start) | 0) > 0) at--;
  if (at === pieces.length) pieces.push(piece);
  else pieces.splice(at, 0, piece);
}
