#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import module from 'node:module';

// Loaded code is kept compiled between runs: it halves the time to start.
module.enableCompileCache?.();

/** True when this file is the program, rather than imported by one. */
function isMain(): boolean {
  try {
    return process.argv[1] !== undefined && realpathSync(process.argv[1]) === realpathSync(import.meta.filename);
  } catch {
    return false;
  }
}

/** True from Node.js 22.19, as `engines` in package.json asks for. Nothing imported above may need more than 20.11. */
function isNodeNewEnough(): boolean {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 19);
}

if (isMain() && !isNodeNewEnough()) {
  process.stderr.write(`Tunnelite needs Node.js 22.19 or later; this is ${process.versions.node}.\n`);
  process.stderr.write('Install a newer one from https://nodejs.org, or put it first in PATH.\n');
  process.exitCode = 1;
} else if (isMain()) {
  // A reader that went away, as `| head` does, is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(0);
  });
  const [{ runCli }, { processIo }] = await Promise.all([import('./run.ts'), import('./io.ts')]);
  process.exitCode = await runCli(process.argv.slice(2), processIo);
}
