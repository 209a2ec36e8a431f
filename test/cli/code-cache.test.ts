import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { codeCacheFolder } from '../../src/cli/code-cache.js';
import { loadedBy, MAIN } from '../support/loaded-modules.ts';

const version = async (env: NodeJS.ProcessEnv) => {
  const { out, err, code, builtin } = await loadedBy([MAIN, '--version'], {
    NODE_COMPILE_CACHE: undefined,
    NODE_DISABLE_COMPILE_CACHE: undefined,
    XDG_CACHE_HOME: undefined,
    ...env,
  });
  const stripped = builtin.some((name) => name.includes('amaro'));
  return { ok: code === 0 && err === '' && /^\d+\.\d+\.\d+\n$/.test(out), stripped };
};

/** What the cache holds below a folder; Node.js makes one for each of its versions. */
const kept = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [];

const posix = process.platform === 'win32' && 'there are other ways to own a folder';

t.test('compiled code is kept where the platform has a user keep such things', async (t) => {
  const home = join('/', 'home', 'alice');
  const other = join('/', 'var', 'alice');
  const tail = join('tunnelite', 'compiled');
  t.equal(codeCacheFolder({}, 'linux', home), join(home, '.cache', tail));
  t.equal(codeCacheFolder({ XDG_CACHE_HOME: other }, 'linux', home), join(other, tail));
  t.equal(codeCacheFolder({ XDG_CACHE_HOME: 'relative' }, 'freebsd', home), join(home, '.cache', tail));
  t.equal(codeCacheFolder({}, 'darwin', home), join(home, 'Library', 'Caches', tail));
  t.equal(codeCacheFolder({ XDG_CACHE_HOME: other }, 'win32', home), join(home, 'AppData', 'Local', tail));
  t.equal(codeCacheFolder({ LOCALAPPDATA: other }, 'win32', home), join(other, tail));
});

t.test(
  'the second run takes everything out of the cache, and need not load what strips types',
  { skip: posix },
  async (t) => {
    const home = t.testdir();
    t.strictSame(await version({ HOME: home }), { ok: true, stripped: true });
    const folder = join(home, '.cache/tunnelite/compiled');
    t.ok(kept(folder).length > 10);
    t.equal(statSync(folder).mode & 0o777, 0o700);
    t.strictSame(await version({ HOME: home }), { ok: true, stripped: false });
  },
);

t.test('without a folder of its own the program runs and keeps nothing', { skip: posix }, async (t) => {
  const runs = async (t: Test, env: NodeJS.ProcessEnv, folder: string): Promise<void> => {
    t.match(await version(env), { ok: true });
    t.strictSame(kept(folder), []);
  };
  t.test('no home', (t) => runs(t, { HOME: '/nonexistent' }, '/nonexistent'));
  t.test('a file in its place', (t) => {
    const home = t.testdir({ '.cache': 'a file' });
    return runs(t, { HOME: home }, join(home, '.cache/tunnelite'));
  });
  t.test('a folder that others can write to', (t) => {
    const home = t.testdir();
    const folder = join(home, '.cache/tunnelite/compiled');
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    return runs(t, { HOME: home }, folder);
  });
  t.test('a home of somebody else, as with sudo', { skip: process.geteuid!() !== 0 && 'needs root' }, (t) => {
    const home = t.testdir();
    chownSync(home, 12_345, 12_345);
    return runs(t, { HOME: home }, join(home, '.cache'));
  });
  t.test('switched off', (t) => {
    const home = t.testdir();
    return runs(t, { HOME: home, NODE_DISABLE_COMPILE_CACHE: '1' }, join(home, '.cache'));
  });
});

t.test('a folder that Node.js was given is taken', async (t) => {
  const home = t.testdir();
  t.match(await version({ HOME: home, NODE_COMPILE_CACHE: join(home, 'mine') }), { ok: true });
  t.ok(kept(join(home, 'mine')).length > 10);
  t.notOk(existsSync(join(home, '.cache')));
});
