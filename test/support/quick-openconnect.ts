import { globSync, writeFileSync } from 'node:fs';
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
 * From now on, `openconnect` in this process's `PATH` is the stock program with a clock that is ten times as fast: it waits 60 s of its clock
 * before it tries DTLS again, which are 6 s of ours. Its dead peer detection and keepalives come as often. What it starts has the same clock.
 *
 * Call it before anything looks for the program.
 */
export function quickOpenconnect(t: Test): void {
  const program = which('openconnect');
  if (program === undefined || LIBRARY === undefined) return;
  const folder = t.testdir({ bin: {} });
  const wrapper = join(folder, 'bin', 'openconnect');
  writeFileSync(
    wrapper,
    `#!/bin/sh\nexport LD_PRELOAD='${LIBRARY}' FAKETIME='+0 x${SPEED}'\nexec '${program}' "$@"\n`,
    { mode: 0o755 },
  );
  process.env.PATH = `${join(folder, 'bin')}${delimiter}${process.env.PATH ?? ''}`;
}
