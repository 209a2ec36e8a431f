import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { MAX_CONFIG_BYTES } from './constants.ts';

const CHUNK = 64 * 1024;

/** How to read a file. */
export interface ReadOptions {
  /** Where another file names it, if so, such as `tunnelite.yaml:2:14 identity.directory`. */
  readonly namedAt?: string | undefined;
  /** It is read again, so it cannot be a pipe. */
  readonly again?: boolean | undefined;
}

/**
 * The text of a configuration file, without a byte order mark. Reads it piece by piece up to the limit, so that a pipe works and an
 * endless device does no harm.
 *
 * @param label the name of the file in messages
 * @throws TunneliteError `ERR_CONFIG_FILE`
 */
export function readSourceText(path: string, label: string, { namedAt, again = false }: ReadOptions = {}): string {
  try {
    if (again) assertMore(path);
    return decoded(readBytes(path));
  } catch (cause) {
    const told = namedAt === undefined ? label : `${namedAt}: ${label}`;
    throw new TunneliteError('ERR_CONFIG_FILE', `${told} cannot be read: ${errorText(cause)}.`, {
      cause,
      details: { file: path },
    });
  }
}

/** The content of a pipe is gone: reading it again returns nothing, which would mean the defaults, or blocks forever. */
function assertMore(path: string): void {
  const kind = statSync(path);
  if (!kind.isFIFO() && !kind.isSocket()) return;
  throw new Error('it is a pipe, which can be read only once; start from a file to read it again');
}

function readBytes(path: string): Buffer {
  const file = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let size = 0; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const length = readSync(file, chunk);
      if (length === 0) return Buffer.concat(chunks);
      size += length;
      if (size > MAX_CONFIG_BYTES) throw new Error(`it is larger than ${MAX_CONFIG_BYTES} bytes`);
      chunks.push(chunk.subarray(0, length));
    }
  } finally {
    closeSync(file);
  }
}

function decoded(bytes: Buffer): string {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    throw new Error('it is UTF-16, as PowerShell writes it; save it as UTF-8');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    // Undecodable bytes become this character, which a valid text hardly contains.
    const line = bytes.toString('utf8').split('\ufffd', 1)[0]!.split('\n').length;
    throw new Error(`line ${line} is not UTF-8; save it as UTF-8`);
  }
}
