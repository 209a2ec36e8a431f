import { spawnSync } from 'node:child_process';
import { globSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { importsOf } from '../../scripts/dependencies.ts';

const repository = join(import.meta.dirname, '../..');
const load = createRequire(import.meta.url);
const { layers, neighbours, shelves } = load('../../scripts/layers.cjs') as {
  readonly layers: readonly (readonly string[])[];
  readonly neighbours: readonly (readonly [string, string, string])[];
  readonly shelves: readonly string[];
};
interface Rule {
  readonly name: string;
  readonly from: { readonly path?: string; readonly pathNot?: string };
  readonly to: { readonly path?: string };
}
const { forbidden } = load('../../.dependency-cruiser.cjs') as { readonly forbidden: readonly Rule[] };
const architecture = readFileSync(join(repository, 'docs/explanation/architecture.md'), 'utf8');

/** Folders under src/, and files beside them by their name without extension. */
const rooms = readdirSync(join(repository, 'src')).map((name) => name.replace(/\.ts$/, ''));

const sorted = (names: Iterable<string>): string[] => [...names].sort();
const quoted = (text: string): string[] => [...text.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);

t.test('every folder of src has exactly one layer, and every folder of a layer is there', async (t) => {
  t.strictSame(sorted(layers.flat()), sorted(rooms));
});

t.test('the documentation has the same layers in the same order', async (t) => {
  const rows = [...architecture.matchAll(/^\| (\d+) \| ([^|]+) \|/gm)];
  t.strictSame(
    rows.map(([, number]) => Number(number)),
    layers.map((_, index) => index + 1),
  );
  t.strictSame(
    rows.map(([, , folders]) => sorted(quoted(folders!).map((name) => name.replace(/\.ts$/, '')))),
    layers.map(sorted),
  );
});

t.test('the documentation names the same pairs that may meet within a layer', async (t) => {
  const pairs = [...architecture.matchAll(/`(\w+)` → `(\w+)` \(/g)].map(([, from, to]) => `${from} ${to}`);
  t.strictSame(sorted(pairs), sorted(neighbours.map(([from, to]) => `${from} ${to}`)));
});

t.test('each such pair is of one layer, has a reason, and is in use', async (t) => {
  for (const [from, to, why] of neighbours) {
    t.ok(
      layers.some((layer) => layer.includes(from) && layer.includes(to)),
      `${from} and ${to} are of one layer`,
    );
    t.not(why, '');
    const used = globSync(`src/${from}/**/*.ts`, { cwd: repository }).some((path) =>
      importsOf({ path, text: readFileSync(join(repository, path), 'utf8') }).some(
        (name) => name.startsWith('.') && join(dirname(path), name).startsWith(join('src', to)),
      ),
    );
    t.ok(used, `${from} imports ${to}`);
  }
});

t.test('no rule speaks of a folder that is not there', async (t) => {
  const named = forbidden.flatMap(({ from, to }) =>
    [from.path, from.pathNot, to.path]
      .flatMap((path) => [...(path ?? '').matchAll(/\^src\/\(([\w|]+)\)/g)])
      .flatMap((match) => match[1]!.split('|')),
  );
  t.ok(named.length > 0);
  for (const name of new Set(named)) t.ok(rooms.includes(name), name);
  for (const name of shelves) t.ok(rooms.includes(name), name);
});

/** The names of the rules that files break, in a tree that holds these files only. */
function broken(t: Test, files: Readonly<Record<string, string>>): string[] {
  const root = t.testdir({ 'tsconfig.json': '{}' });
  symlinkSync(join(repository, 'node_modules'), join(root, 'node_modules'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const depcruise = join(repository, 'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs');
  const args = ['--config', join(repository, '.dependency-cruiser.cjs'), '--output-type', 'json', '--metrics', 'src'];
  const { stdout, stderr } = spawnSync(process.execPath, [depcruise, ...args], { cwd: root, encoding: 'utf8' });
  t.equal(stderr, '');
  const { summary } = JSON.parse(stdout) as { summary: { violations: { rule: { name: string } }[] } };
  return sorted(new Set(summary.violations.map(({ rule }) => rule.name)));
}

const trees: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
  [
    'an import from a lower layer',
    [],
    { 'src/gateway/a.ts': `import '../wire/b.ts';`, 'src/wire/b.ts': 'export const b = 1;' },
  ],
  [
    'an import from a higher layer',
    ['layer-wire'],
    { 'src/wire/b.ts': `import '../gateway/a.ts';`, 'src/gateway/a.ts': 'export const a = 1;' },
  ],
  [
    'an import from the same layer',
    ['sibling-gateway'],
    { 'src/gateway/a.ts': `import '../resources/b.ts';`, 'src/resources/b.ts': 'export const b = 1;' },
  ],
  [
    'an import between neighbours',
    [],
    { 'src/faults/a.ts': `import '../udp/b.ts';`, 'src/udp/b.ts': 'export const b = 1;' },
  ],
  [
    'two folders that need each other, though no two files do',
    ['no-folder-cycle'],
    {
      'src/gateway/data/a.ts': `import '../session/b.ts';`,
      'src/gateway/session/b.ts': 'export const b = 1;',
      'src/gateway/session/c.ts': `import '../data/d.ts';`,
      'src/gateway/data/d.ts': 'export const d = 1;',
    },
  ],
  [
    'a folder that imports a file beside it',
    ['root-composes'],
    { 'src/gateway/data/a.ts': `import '../b.ts';`, 'src/gateway/b.ts': 'export const b = 1;' },
  ],
  [
    'a folder further in that imports a file beside it',
    ['parent-composes'],
    { 'src/gateway/data/deep/a.ts': `import '../b.ts';`, 'src/gateway/data/b.ts': 'export const b = 1;' },
  ],
  [
    'a file that does not ship',
    ['source-alone'],
    { 'src/wire/a.ts': `import '../../scripts/b.ts';`, 'scripts/b.ts': 'export const b = 1;' },
  ],
  [
    'two files that import each other',
    ['no-circular'],
    { 'src/wire/a.ts': `import './b.ts';`, 'src/wire/b.ts': `import './a.ts';` },
  ],
];

for (const [what, rules, files] of trees) {
  t.test(`${rules.length === 0 ? 'allowed' : 'refused'}: ${what}`, async (t) => {
    t.strictSame(broken(t, files), rules);
  });
}
