/*
 * The subset of the tar format (POSIX ustar) that a report needs: regular files with short names. Reading never writes to disk, and
 * accepts only regular files with plain names.
 */

const BLOCK = 512;

/** Most entries of an archive. */
const MAX_ENTRIES = 1_000;

/** Letters, digits and separators; no absolute path, no `..`, at most 99 bytes. */
const NAME = /^(?!.*\.\.)[a-z0-9][a-z0-9._-]*(?:\/[a-z0-9][a-z0-9._-]*)*$/i;

export interface TarEntry {
  readonly name: string;
  readonly bytes: Buffer;
}

function isPlain(name: string): boolean {
  return name.length < 100 && NAME.test(name);
}

function sumOf(header: Buffer): number {
  let sum = 8 * 0x20;
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += header[i]!;
  return sum;
}

/** @param seconds since the Unix epoch */
export function writeTar(entries: readonly TarEntry[], seconds: number): Buffer {
  const parts: Buffer[] = [];
  for (const { name, bytes } of entries) {
    if (!isPlain(name)) throw new RangeError(`${name} is not a valid name for a part of a report.`);
    const header = Buffer.alloc(BLOCK);
    header.write(name, 0, 'latin1');
    header.write('0000600\0', 100, 'latin1');
    header.write('0000000\0', 108, 'latin1');
    header.write('0000000\0', 116, 'latin1');
    header.write(`${bytes.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.write(`${Math.floor(seconds).toString(8).padStart(11, '0')}\0`, 136, 'latin1');
    header.write('0', 156, 'latin1');
    header.write('ustar\x0000', 257, 'latin1');
    header.write(`${sumOf(header).toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    parts.push(header, bytes, Buffer.alloc((BLOCK - (bytes.length % BLOCK)) % BLOCK));
  }
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/**
 * The regular files of an archive, by name.
 * @throws RangeError that describes the problem
 */
export function readTar(archive: Buffer): Map<string, Buffer> {
  const entries = new Map<string, Buffer>();
  for (let at = 0; at + BLOCK <= archive.length; ) {
    const header = archive.subarray(at, at + BLOCK);
    if (header[0] === 0) return entries;
    const [size, sum] = [octal(header, 124, 12), octal(header, 148, 8)];
    if (sum !== sumOf(header)) throw new RangeError('a header has a wrong checksum');
    if (size === undefined || at + BLOCK + size > archive.length) throw new RangeError('a part exceeds the archive');
    const name = header.toString('latin1', 0, 100).replace(/\0.*$/s, '');
    if (!isPlain(name) || header[345] !== 0)
      throw new RangeError(`${JSON.stringify(name)} is not a valid name for a part`);
    if (header[156] !== 0x30 && header[156] !== 0) throw new RangeError(`${name} is not a regular file`);
    if (entries.has(name)) throw new RangeError(`${name} is repeated`);
    if (entries.size >= MAX_ENTRIES) throw new RangeError(`it has more than ${MAX_ENTRIES} parts`);
    entries.set(name, archive.subarray(at + BLOCK, at + BLOCK + size));
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  throw new RangeError('it is truncated');
}

function octal(header: Buffer, at: number, length: number): number | undefined {
  const text = header.toString('latin1', at, at + length).replace(/[\0 ]+$/, '');
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : undefined;
}
