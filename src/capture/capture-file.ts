import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, rmSync, write } from 'node:fs';
import { extname } from 'node:path';
import { Writable } from 'node:stream';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { BlockKind, blockAt, MIN_BLOCK } from '../wire/pcapng.ts';

/** Most files to keep. */
const MAX_FILES = 1_000;

/** Bytes of the blocks at the start of each further file. */
const MAX_PREAMBLE = 16 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);

/** Rotation of a capture across files. */
interface Rotation {
  /** Size of one file, in bytes. */
  readonly size?: number | undefined;
  /** Number of files to keep, the newest. */
  readonly files?: number | undefined;
}

/**
 * Captures contain keys, so only the owner can read the file; also tightens the permissions of an existing file. Its content stays until
 * something is written: a capture that is refused destroys no earlier one.
 */
function openOwn(path: string): number {
  try {
    const fd = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600);
    fchmodSync(fd, 0o600);
    return fd;
  } catch (cause) {
    const message = `${path} cannot be written: ${errorText(cause)}`;
    throw new TunneliteError('ERR_CAPTURE_FILE', message, { cause });
  }
}

/**
 * Writes a capture to one file, or rotates: `tunnel.pcapng` becomes `tunnel-1.pcapng`, `tunnel-2.pcapng` and so on. Accepts
 * bytes in any portions, and splits between blocks. Each file starts with the interfaces and the keys so far.
 */
export class CaptureFile extends Writable {
  readonly #path: string;
  readonly #rotation: { readonly size: number; readonly files: number } | undefined;
  #fd: number;
  #number = 1;
  #written = 0;
  #emptied = false;
  #writing = false;
  #closing = false;
  #rest: Buffer = NOTHING;
  #preamble: Buffer[] = [];
  #preambleBytes = 0;

  /** @throws TunneliteError `ERR_CAPTURE_FILE`, `ERR_CAPTURE_OPTIONS` */
  constructor(path: string, { size, files }: Rotation = {}) {
    super({ highWaterMark: 1024 * 1024 });
    if (files !== undefined) {
      if (size === undefined || !Number.isSafeInteger(files) || files < 1 || files > MAX_FILES) {
        const message = `Several files require a size for each, and a number from 1 to ${MAX_FILES}.`;
        throw new TunneliteError('ERR_CAPTURE_OPTIONS', message);
      }
      this.#rotation = { size, files };
    }
    this.#path = path;
    this.#fd = openOwn(this.#name(1));
  }

  #name(number: number): string {
    if (this.#rotation === undefined) return this.#path;
    const extension = extname(this.#path);
    return `${this.#path.slice(0, this.#path.length - extension.length)}-${number}${extension}`;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    if (this.#rotation === undefined) {
      this.#put(chunk, callback);
      return;
    }
    let bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const parts: { readonly bytes: Buffer; readonly turn: boolean }[] = [];
    let from = 0;
    let at = 0;
    let size = this.#written;
    try {
      while (bytes.length - at >= MIN_BLOCK) {
        const { kind, length } = blockAt(bytes, at);
        if (bytes.length - at < length) break;
        if (kind === BlockKind.Packet && size + length > this.#rotation.size && size > this.#preambleBytes) {
          parts.push({ bytes: bytes.subarray(from, at), turn: true });
          from = at;
          size = this.#preambleBytes;
        }
        if (kind === BlockKind.Preamble) this.#remember(bytes.subarray(at, at + length));
        size += length;
        at += length;
      }
    } catch (error) {
      callback(error as Error);
      return;
    }
    parts.push({ bytes: bytes.subarray(from, at), turn: false });
    this.#rest = Buffer.from(bytes.subarray(at));
    bytes = NOTHING;
    this.#putAll(parts, callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#put(this.#rest, (error) => {
      this.#close();
      callback(error);
    });
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#close();
    callback(error);
  }

  #remember(block: Buffer): void {
    if (this.#preambleBytes + block.length > MAX_PREAMBLE) return;
    this.#preamble.push(Buffer.from(block));
    this.#preambleBytes += block.length;
  }

  #putAll(
    [part, ...rest]: readonly { readonly bytes: Buffer; readonly turn: boolean }[],
    callback: (error?: Error | null) => void,
  ): void {
    if (part === undefined) {
      callback();
      return;
    }
    this.#put(part.bytes, (error) => {
      if (error) callback(error);
      else if (!part.turn) this.#putAll(rest, callback);
      else this.#turn((failure) => (failure ? callback(failure) : this.#putAll(rest, callback)));
    });
  }

  /** Starts the next file and removes the oldest one. */
  #turn(callback: (error?: Error | null) => void): void {
    try {
      closeSync(this.#fd);
      this.#fd = -1;
      this.#fd = openOwn(this.#name(++this.#number));
      this.#emptied = false;
      const oldest = this.#number - this.#rotation!.files;
      if (oldest >= 1) rmSync(this.#name(oldest), { force: true });
    } catch (error) {
      callback(error as Error);
      return;
    }
    this.#written = 0;
    this.#put(Buffer.concat(this.#preamble), callback);
  }

  /** Removes what an existing file had, before the first write. */
  #empty(): void {
    if (this.#emptied) return;
    this.#emptied = true;
    if (fstatSync(this.#fd).isFile()) ftruncateSync(this.#fd);
  }

  #put(bytes: Buffer, callback: (error?: Error | null) => void): void {
    this.#empty();
    if (bytes.length === 0) {
      callback();
      return;
    }
    this.#writing = true;
    write(this.#fd, bytes, 0, bytes.length, null, (cause, count) => {
      this.#writing = false;
      if (this.#closing) this.#close();
      if (cause) {
        callback(
          new TunneliteError('ERR_CAPTURE_FILE', `${this.#name(this.#number)} cannot be written: ${errorText(cause)}`, {
            cause,
          }),
        );
        return;
      }
      this.#written += count;
      if (count < bytes.length && this.#fd >= 0) this.#put(bytes.subarray(count), callback);
      else callback();
    });
  }

  /** Waits for a write in progress: its descriptor could be another file's by then. */
  #close(): void {
    this.#closing = true;
    if (this.#fd < 0 || this.#writing) return;
    closeSync(this.#fd);
    this.#fd = -1;
  }
}
