import { closeSync, openSync, writeSync } from 'node:fs';
import { errorText, TunneliteError } from '../lib/errors.ts';

/** Appends NSS key-log lines to a file that only its owner can read. */
export interface KeylogFile {
  readonly write: (line: string) => void;
  close(): void;
}

/** @throws TunneliteError `ERR_CONFIG_FILE` */
export function openKeylogFile(path: string): KeylogFile {
  let file: number | undefined;
  try {
    file = openSync(path, 'a', 0o600);
  } catch (cause) {
    throw new TunneliteError('ERR_CONFIG_FILE', `${path} cannot be written: ${errorText(cause)}`, { cause });
  }
  return {
    write: (line) => {
      if (file !== undefined) writeSync(file, line.endsWith('\n') ? line : `${line}\n`);
    },
    close: () => {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}
