import { closeSync, openSync, writeSync } from 'node:fs';
import { errorText, TunneliteError } from '../lib/errors.ts';

/** A file to append lines to; only its owner can read it. */
export interface AppendFile {
  /** Appends a line; adds a line break if it has none. Data that cannot be written (a full disk) is lost. */
  readonly write: (line: string) => void;
  /** Writes pending lines, and closes. */
  close(): void;
}

/** Maximum number of pending characters, with `gather`. */
const MAX_WAITING = 64 * 1024;

/**
 * Opens a file to append lines to.
 * @param member the setting that names the file, such as `journal.file`
 * @param gather whether lines wait for the end of the turn of the event loop, so that many lines take one write
 * @throws TunneliteError `ERR_CONFIG_FILE`
 */
export function openAppendFile(path: string, member: string, { gather = false } = {}): AppendFile {
  let file: number | undefined;
  try {
    file = openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_FILE', `${member}: ${path} cannot be written: ${errorText(cause)}`, {
      cause,
      hint: 'Check that the folder exists and is writable, or use another file.',
    });
  }
  let waiting = '';
  let scheduled = false;
  const flush = (): void => {
    scheduled = false;
    const text = waiting;
    waiting = '';
    if (file === undefined || text === '') return;
    try {
      writeSync(file, text);
    } catch {
      // A full disk must not end the simulator.
    }
  };
  return {
    write: (line) => {
      waiting += line.endsWith('\n') ? line : `${line}\n`;
      if (!gather || waiting.length > MAX_WAITING) flush();
      else if (!scheduled) {
        scheduled = true;
        setImmediate(flush);
      }
    },
    close: () => {
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
