import { globSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import type { Test } from 'tap';
import { which } from './interop.ts';

/** How many times as fast its clock is. */
const SPEED = 10;

/** Where Debian's package `libfaketime` puts its library; the one for programs with threads. */
const LIBRARY = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0];

/** What `skipUnless` asks for. */
export const QUICK_OPENCONNECT = { libfaketime: (): boolean => LIBRARY !== undefined };

/**
 * Until the end of the test, `openconnect` in this process's `PATH` is the stock program with a clock that is ten times as fast: it waits 60 s of
 * its clock before it tries DTLS again, which are 6 s of ours. Its dead peer detection and keepalives come as often, and what it starts has the
 * same clock. Without the library, nothing changes, and the test takes longer.
 */
export function quickOpenconnect(t: Test): void {
  const program = which('openconnect');
  if (program === undefined || LIBRARY === undefined) return;
  const folder = mkdtempSync(join(tmpdir(), 'tl-quick-'));
  writeFileSync(
    join(folder, 'openconnect'),
    `#!/bin/sh\nexport LD_PRELOAD='${LIBRARY}' FAKETIME='+0 x${SPEED}'\nexec '${program}' "$@"\n`,
    { mode: 0o755 },
  );
  const before = process.env.PATH;
  process.env.PATH = [folder, ...(before === undefined ? [] : [before])].join(delimiter);
  t.teardown(() => {
    process.env.PATH = before;
    rmSync(folder, { recursive: true });
  });
}
