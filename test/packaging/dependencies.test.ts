import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type DependencyUse, dependencyFaults, importsOf, lockFaults, packageOf } from '../../scripts/dependencies.ts';

const use = (changes: Partial<DependencyUse> = {}): DependencyUse => ({
  manifest: {
    name: 'tunnelite',
    dependencies: { jose: '6.2.18' },
    optionalDependencies: { koffi: '3.3.4' },
    devDependencies: { tap: '21.8.0', '@biomejs/biome': '2.5.15', '@types/node': '24.19.2' },
  },
  sources: [
    { path: 'src/a.ts', text: `import { jwtVerify } from 'jose';\ncreateRequire(import.meta.url)('koffi');` },
    { path: 'test/a.test.ts', text: `import t from 'tap';\nimport { startSimulator } from 'tunnelite';` },
  ],
  commands: 'biome check .',
  programs: new Map([['@biomejs/biome', ['biome']]]),
  ...changes,
});

const withManifest = (changes: Partial<DependencyUse['manifest']>): DependencyUse =>
  use({ manifest: { ...use().manifest, ...changes } });

const withSource = (path: string, text: string): DependencyUse => use({ sources: [...use().sources, { path, text }] });

t.test('dependencies that are used where they are declared pass', async (t) => {
  t.strictSame(dependencyFaults(use()), []);
});

t.test('a dependency that src does not import is told', async (t) => {
  const dependencies = { jose: '6.2.18', fastify: '5.0.0' };
  t.strictSame(dependencyFaults(withManifest({ dependencies })), [
    'fastify is a dependency, but nothing in src imports it',
  ]);
});

t.test('a dependency that only tests import is told', async (t) => {
  const { manifest } = withManifest({ dependencies: { jose: '6.2.18', undici: '8.0.0' } });
  const { sources } = withSource('test/b.test.ts', `await import('undici');`);
  t.strictSame(dependencyFaults(use({ manifest, sources })), ['undici is a dependency, but nothing in src imports it']);
});

t.test('a development dependency that nothing imports or runs is told', async (t) => {
  t.strictSame(dependencyFaults(use({ commands: 'npx biome-like' })), [
    '@biomejs/biome is a development dependency, but nothing imports or runs it',
  ]);
  const devDependencies = { ...use().manifest.devDependencies, '@types/dns-packet': '5.6.5' };
  t.strictSame(dependencyFaults(withManifest({ devDependencies })), [
    '@types/dns-packet is a development dependency, but nothing imports or runs it',
  ]);
});

t.test('an import that is not declared is told, in src also one of a development dependency', async (t) => {
  t.strictSame(dependencyFaults(withSource('bench/a.ts', `import { build } from 'hdr-histogram-js';`)), [
    'bench/a.ts imports hdr-histogram-js, which package.json does not declare',
  ]);
  t.strictSame(dependencyFaults(withSource('src/b.ts', `export type { Test } from 'tap';`)), [
    'src/b.ts imports tap, which is only a development dependency',
  ]);
});

t.test('a package that is declared twice, or not with an exact version, is told', async (t) => {
  const devDependencies = { ...use().manifest.devDependencies, jose: '6.2.18' };
  t.strictSame(dependencyFaults(withManifest({ devDependencies })).slice(0, 1), ['jose is declared twice']);
  t.strictSame(dependencyFaults(withManifest({ dependencies: { jose: '^6.2.18' } })), [
    'jose has the version "^6.2.18", which is not exact',
  ]);
  t.strictSame(dependencyFaults(withManifest({ dependencies: { jose: 'npm:panva-jose@6.2.18' } })), []);
});

t.test('imports are found in every form, and not in the text of strings', async (t) => {
  const text = `
    import a from 'one';
    import type { B } from 'two/deep';
    export * from '@scope/three/deep';
    type C = typeof import('four');
    await import('five');
    createRequire(import.meta.url)('six');
    createRequire(import.meta.url).resolve('seven');
    import.meta.resolve('eight');
    parameters.require('not this');
    const program = "import 'nor this'";
    import './file.ts';
    import 'node:fs';
    import 'fs/promises';
  `;
  const names = importsOf({ path: 'src/a.ts', text }).map(packageOf);
  t.strictSame(
    names.filter((name) => name !== undefined),
    ['one', 'two', '@scope/three', 'four', 'five', 'six', 'seven', 'eight'],
  );
});

t.test('a lock file that lacks an optional package of another platform is told', async (t) => {
  const packages = {
    '': { dependencies: { a: '1.0.0' } },
    'node_modules/a': { optionalDependencies: { '@a/linux': '1.0.0', '@a/win32': '1.0.0' } },
    'node_modules/@a/linux': {},
    'node_modules/a/node_modules/@a/win32': {},
  };
  t.strictSame(lockFaults({ packages }), []);
  const { 'node_modules/@a/linux': _gone, ...partial } = packages;
  t.strictSame(lockFaults({ packages: partial }), ['node_modules/a needs @a/linux, which is not locked']);
  t.strictSame(lockFaults({ packages: { ...packages, 'node_modules/a': { resolved: 'https://example.com/a.tgz' } } }), [
    'node_modules/a names the place it was fetched from',
  ]);
});

t.test('npm run check and the CI run hold them together', async (t) => {
  const read = (name: string): string => readFileSync(join(import.meta.dirname, '../..', name), 'utf8');
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  t.match(scripts.check, /npm run packages/);
  t.match(scripts.packages, /scripts\/check-dependencies\.ts/);
  t.match(read('.ci/run'), /^check dependencies npm run -s packages$/m);
  t.notOk('dependencies' in scripts, 'npm itself runs a script of this name at each install');
});
