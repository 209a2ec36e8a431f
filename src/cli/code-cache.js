/*
 * Compiled code is kept between runs: that more than halves the time to start. Plain JavaScript, and little of it, because it has to
 * run before TypeScript is loaded: the cache holds what type stripping made, too, so that a later start need not load the stripper.
 */
import { lstatSync, mkdirSync, statSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';

/**
 * Where this user's compiled code belongs. Code that is run from there must come from nobody else, so never a folder that all may
 * write to, such as that for temporary files.
 *
 * @param {Readonly<Record<string, string | undefined>>} env
 * @param {NodeJS.Platform} platform
 * @param {string} home
 */
export function codeCacheFolder(env, platform, home) {
  const named = platform === 'win32' ? env.LOCALAPPDATA : env.XDG_CACHE_HOME;
  const usual = { win32: join('AppData', 'Local'), darwin: join('Library', 'Caches') }[String(platform)] ?? '.cache';
  return join(named && isAbsolute(named) ? named : join(home, usual), 'tunnelite', 'compiled');
}

/**
 * Makes the folder, or sees whether the one that is there is the user's own, and nobody else can write into it.
 *
 * @param {string} folder
 * @param {string} home has to be the user's own as well: with `sudo` it may be another's
 */
function isOwn(folder, home) {
  const user = process.geteuid?.();
  if (user !== undefined && statSync(home).uid !== user) return false;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = lstatSync(folder);
  return user === undefined || (uid === user && (mode & 0o022) === 0);
}

/**
 * Has Node.js keep compiled code, unless it does already (`NODE_COMPILE_CACHE`) or must not (`NODE_DISABLE_COMPILE_CACHE`). Without
 * a folder for it everything works the same way, only more slowly.
 */
export function keepCompiledCode() {
  if (process.env.NODE_DISABLE_COMPILE_CACHE || module.getCompileCacheDir?.() !== undefined) return;
  try {
    const home = homedir();
    const folder = codeCacheFolder(process.env, process.platform, home);
    if (isOwn(folder, home)) module.enableCompileCache?.(folder);
  } catch {
    // There is no home, or nothing can be written there.
  }
}
