#!/usr/bin/env node
/*
 * The program. Plain JavaScript, unlike all that it loads: so a Node.js that cannot read TypeScript says what it lacks, and this file,
 * which cannot come out of the cache of compiled code, does not need the stripper of types. Up to the version's check nothing is used
 * that an old Node.js does not have.
 */
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { keepCompiledCode } from './code-cache.js';

/** Major and minor version. */
const OLDEST = { major: 22, minor: 19 };

/** True when this file is the program, rather than imported by one. */
function isMain() {
  try {
    return (
      process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(fileURLToPath(import.meta.url))
    );
  } catch {
    return false;
  }
}

/** True from the version on that `engines` in package.json asks for. */
function isNodeNewEnough() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor);
}

if (isMain() && !isNodeNewEnough()) {
  const { major, minor } = OLDEST;
  process.stderr.write(`Tunnelite needs Node.js ${major}.${minor} or later; this is ${process.versions.node}.\n`);
  process.stderr.write(
    'Install a newer one from https://nodejs.org, or put it first in PATH. In its repository, "npm start" and ' +
      '"npm run -s tunnelite --" use the one that "npm ci" has put there.\n',
  );
  process.exitCode = 1;
} else if (isMain()) {
  keepCompiledCode();
  const { resolveOwnFilesDirectly } = await import('./direct-resolution.ts');
  resolveOwnFilesDirectly();
  // A reader that went away, as `| head` does, is no error.
  let readerGone = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (/** @type {NodeJS.ErrnoException} */ error) => {
      if (error.code !== 'EPIPE') throw error;
      if (readerGone) return;
      readerGone = true;
      // What runs until it is interrupted takes this for an interruption, and leaves nothing behind.
      if (!process.emit('SIGTERM', 'SIGTERM')) process.exit(0);
    });
  }
  const [{ runCli }, { processIo }] = await Promise.all([import('./run.ts'), import('./context/io.ts')]);
  process.exitCode = await runCli(process.argv.slice(2), processIo);
}
