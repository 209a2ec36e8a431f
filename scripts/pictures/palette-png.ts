import { crc32, deflateSync, inflateSync } from 'node:zlib';

// Screenshots have few colors, so that a PNG with a palette is a third of what Chromium writes.

const SIGNATURE = Buffer.from('89504e470d0a1a0a', 'hex');
const COLORS = 256;
/** How far a channel of a rare color may be from that of the frequent one that replaces it: the first bound that leaves few enough colors. */
const DISTANCES = [0, 2, 4, 6, 8, 12, 16, 24, 32, 48];

interface Raster {
  readonly width: number;
  readonly height: number;
  /** 0xRRGGBB of each pixel, row by row. */
  readonly pixels: Uint32Array;
}

/** Rewrites a PNG of 8 bits per channel, without interlacing, as one with a palette of at most 256 colors. Alpha is dropped. */
export function palettePng(png: Buffer): Buffer {
  const { width, height, pixels } = readPng(png);
  const { palette, indexOf } = reduce(pixels);
  const rows = Buffer.alloc((width + 1) * height);
  for (let at = 0; at < pixels.length; at++) {
    rows[Math.floor(at / width) * (width + 1) + 1 + (at % width)] = indexOf.get(pixels[at]!)!;
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 3], 8);
  const colors = Buffer.alloc(palette.length * 3);
  for (const [index, color] of palette.entries()) colors.writeUIntBE(color, index * 3, 3);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', colors),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const bytes = Buffer.alloc(data.length + 12);
  bytes.writeUInt32BE(data.length, 0);
  bytes.write(type, 4, 'latin1');
  data.copy(bytes, 8);
  bytes.writeUInt32BE(crc32(bytes.subarray(4, -4)), data.length + 8);
  return bytes;
}

/** The frequent colors, and the index of the one that stands for each color. */
function reduce(pixels: Uint32Array): { palette: number[]; indexOf: Map<number, number> } {
  const counts = new Map<number, number>();
  for (const color of pixels) counts.set(color, (counts.get(color) ?? 0) + 1);
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || a - b).map(([color]) => color);
  for (const distance of DISTANCES) {
    const palette: number[] = [];
    for (const color of byCount) {
      if (palette.length > COLORS) break;
      if (!palette.some((one) => apart(one, color) <= distance)) palette.push(color);
    }
    if (palette.length > COLORS) continue;
    return { palette, indexOf: new Map(byCount.map((color) => [color, nearest(palette, color)])) };
  }
  throw new Error('This picture has more colors than a palette can stand for. Is it a photograph?');
}

function nearest(palette: readonly number[], color: number): number {
  const distances = palette.map((one) => apart(one, color));
  return distances.indexOf(Math.min(...distances));
}

function apart(a: number, b: number): number {
  const channel = (shift: number): number => Math.abs(((a >> shift) & 255) - ((b >> shift) & 255));
  return Math.max(channel(16), channel(8), channel(0));
}

/** The pixels of a PNG. */
export function readPng(png: Buffer): Raster {
  const data: Buffer[] = [];
  let header: Buffer | undefined;
  for (let at = SIGNATURE.length; at + 12 <= png.length; ) {
    const length = png.readUInt32BE(at);
    const type = png.toString('latin1', at + 4, at + 8);
    const body = png.subarray(at + 8, at + 8 + length);
    if (type === 'IHDR') header = body;
    if (type === 'IDAT') data.push(body);
    at += length + 12;
  }
  if (!png.subarray(0, 8).equals(SIGNATURE) || !header) throw new Error('This is not a PNG');
  const [depth, kind, , , interlaced] = header.subarray(8);
  if (depth !== 8 || (kind !== 2 && kind !== 6) || interlaced !== 0)
    throw new Error('Only 8-bit RGB and RGBA are read');
  const [width, height, step] = [header.readUInt32BE(0), header.readUInt32BE(4), kind === 2 ? 3 : 4];
  const rows = unfiltered(inflateSync(Buffer.concat(data)), width * step, height, step);
  const pixels = Uint32Array.from({ length: width * height }, (_, at) => rows.readUIntBE(at * step, 3));
  return { width, height, pixels };
}

/** Undoes the filter of each row (PNG specification, section 9). */
function unfiltered(bytes: Buffer, stride: number, height: number, step: number): Buffer {
  const out = Buffer.alloc(stride * height);
  for (let y = 0; y < height; y++) {
    const filter = bytes[y * (stride + 1)]!;
    for (let x = 0; x < stride; x++) {
      const at = y * stride + x;
      const left = x < step ? 0 : out[at - step]!;
      const up = y === 0 ? 0 : out[at - stride]!;
      const corner = x < step || y === 0 ? 0 : out[at - stride - step]!;
      out[at] = bytes[y * (stride + 1) + 1 + x]! + predicted(filter, left, up, corner);
    }
  }
  return out;
}

function predicted(filter: number, left: number, up: number, corner: number): number {
  if (filter < 4) return [0, left, up, (left + up) >> 1][filter]!;
  const estimate = left + up - corner;
  const [a, b, c] = [left, up, corner].map((one) => Math.abs(estimate - one)) as [number, number, number];
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
