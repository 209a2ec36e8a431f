import type { Buffer } from 'node:buffer';
import { MAX_WINDOW_SCALE } from '../core/constants.ts';
import { int32 } from '../core/word.ts';

/** RFC 9293 §3.2, RFC 7323, RFC 2018. */
const END = 0;
const NOP = 1;
const MSS = 2;
const WINDOW_SCALE = 3;
const SACK_PERMITTED = 4;
const SACK = 5;
const TIMESTAMPS = 8;

/** Largest number of SACK blocks that fit into 40 bytes of options. */
export const MAX_SACK_BLOCKS = 4;

/** Bytes of a timestamps option with its padding, in the layout that all stacks use (RFC 7323 appendix A). */
export const TIMESTAMP_BYTES = 12;

/** Options of one segment. One object is reused for all segments: read it before the next parse. */
export class TcpSegmentOptions {
  mss = 0;
  /** -1 = absent */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  tsval = 0;
  tsecr = 0;
  sackCount = 0;
  /** start, end pairs */
  readonly sack = new Int32Array(2 * MAX_SACK_BLOCKS);

  /** Parses `buffer[at, end)`. Malformed options end the parse; those before them count (RFC 9293 §3.2, MUST-7). */
  parse(buffer: Buffer, at: number, end: number): void {
    this.hasTimestamps = false;
    this.sackCount = 0;
    if (at === end) return;
    // The usual layout: NOP NOP timestamps, and nothing else.
    if (
      end - at === TIMESTAMP_BYTES &&
      buffer[at] === NOP &&
      buffer[at + 1] === NOP &&
      buffer[at + 2] === TIMESTAMPS &&
      buffer[at + 3] === 10
    ) {
      this.hasTimestamps = true;
      this.tsval = int32(buffer, at + 4);
      this.tsecr = int32(buffer, at + 8);
      return;
    }
    while (at < end) {
      const kind = buffer[at]!;
      if (kind === END) return;
      if (kind === NOP) {
        at++;
        continue;
      }
      if (at + 1 >= end) return;
      const length = buffer[at + 1]!;
      if (length < 2 || at + length > end) return;
      if (kind === TIMESTAMPS && length === 10) {
        this.hasTimestamps = true;
        this.tsval = int32(buffer, at + 2);
        this.tsecr = int32(buffer, at + 6);
      } else if (kind === SACK && (length & 7) === 2) {
        let n = 0;
        for (let p = at + 2; p < at + length && n < MAX_SACK_BLOCKS; p += 8, n++) {
          this.sack[2 * n] = int32(buffer, p);
          this.sack[2 * n + 1] = int32(buffer, p + 4);
        }
        this.sackCount = n;
      }
      at += length;
    }
  }

  /** Like `parse`, including the options that only a SYN has. */
  parseSyn(buffer: Buffer, at: number, end: number): void {
    this.mss = 0;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.parse(buffer, at, end);
    while (at < end) {
      const kind = buffer[at]!;
      if (kind === END) return;
      if (kind === NOP) {
        at++;
        continue;
      }
      if (at + 1 >= end) return;
      const length = buffer[at + 1]!;
      if (length < 2 || at + length > end) return;
      if (kind === MSS && length === 4) this.mss = (buffer[at + 2]! << 8) | buffer[at + 3]!;
      else if (kind === WINDOW_SCALE && length === 3) this.windowScale = Math.min(MAX_WINDOW_SCALE, buffer[at + 2]!);
      else if (kind === SACK_PERMITTED && length === 2) this.sackPermitted = true;
      at += length;
    }
  }
}

/** What our SYN announces. */
interface SynOptions {
  readonly mss: number;
  /** -1 = none */
  readonly windowScale: number;
  readonly sackPermitted: boolean;
  readonly timestamps: boolean;
}

/** Writes a SYN's options at `at`; returns their length, a multiple of four. */
export function writeSynOptions(buffer: Buffer, at: number, options: SynOptions, tsval: number, tsecr: number): number {
  const start = at;
  buffer[at++] = MSS;
  buffer[at++] = 4;
  buffer[at++] = options.mss >> 8;
  buffer[at++] = options.mss & 0xff;
  if (options.sackPermitted) {
    buffer[at++] = options.timestamps ? SACK_PERMITTED : NOP;
    buffer[at++] = options.timestamps ? 2 : NOP;
    if (!options.timestamps) {
      buffer[at++] = SACK_PERMITTED;
      buffer[at++] = 2;
    }
  } else if (options.timestamps) {
    buffer[at++] = NOP;
    buffer[at++] = NOP;
  }
  if (options.timestamps) {
    buffer[at++] = TIMESTAMPS;
    buffer[at++] = 10;
    at = buffer.writeInt32BE(tsval, at);
    at = buffer.writeInt32BE(tsecr, at);
  }
  if (options.windowScale >= 0) {
    buffer[at++] = NOP;
    buffer[at++] = WINDOW_SCALE;
    buffer[at++] = 3;
    buffer[at++] = options.windowScale;
  }
  return at - start;
}

/** Writes NOP NOP SACK with `count` blocks at `at`; returns the length, a multiple of four. */
export function writeSack(buffer: Buffer, at: number, blocks: Int32Array, count: number): number {
  buffer[at] = NOP;
  buffer[at + 1] = NOP;
  buffer[at + 2] = SACK;
  buffer[at + 3] = 2 + 8 * count;
  for (let i = 0; i < 2 * count; i++) buffer.writeInt32BE(blocks[i]!, at + 4 + 4 * i);
  return 4 + 8 * count;
}
