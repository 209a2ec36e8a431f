import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { MAX_CONFIG_BYTES } from './constants.ts';

const CHUNK = 64 * 1024;

/** How a file is read. */
export interface ReadOptions {
  /** Where it was named, if that was in another one, such as `tunnelite.yaml:2:14 identity.directory`. */
  readonly namedAt?: string | undefined;
  /** It is read for another time, and so cannot be a pipe. */
  readonly again?: boolean | undefined;
}

/**
 * The text of a configuration file, without a byte order mark. Read piece by piece up to the limit, so that a pipe works and a
 * device without an end does no harm.
 *
 * @param label what the file is called in messages
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

/** What was in a pipe is gone: to read it again gives nothing, which would mean the defaults, or waits without an end. */
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
    // What cannot be decoded becomes this sign, which a text of its own hardly has.
    const line = bytes.toString('utf8').split('\ufffd', 1)[0]!.split('\n').length;
    throw new Error(`line ${line} is not UTF-8; save it as UTF-8`);
  }
}
