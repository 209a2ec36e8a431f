// Holds package.json and its lock file against what the sources import and what the scripts run.
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { dependencyFaults, type Lock, lockFaults, type Manifest } from './dependencies.ts';

const repository = join(import.meta.dirname, '..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

const manifest = JSON.parse(read('package.json')) as Manifest & { readonly scripts: Readonly<Record<string, string>> };
const paths = globSync('{src,bin,test,bench,scripts,examples,packages/*/src}/**/*.{ts,mts,cts,js,mjs,cjs}', {
  cwd: repository,
});
const sources = [...paths, '.dependency-cruiser.cjs'].map((path) => ({
  path: path.replaceAll('\\', '/'),
  text: read(path),
}));
/** textlint loads its rules itself, by the names in its configuration. */
const { rules } = JSON.parse(read('.textlintrc.json')) as { readonly rules: Readonly<Record<string, unknown>> };
const proseRules = Object.keys(rules).map((name) => `node_modules/textlint-rule-${name}/`);
const commands = [...Object.values(manifest.scripts), read('.ci/run'), read('Dockerfile'), ...proseRules].join('\n');

function programsOf(name: string): readonly string[] {
  const path = join('node_modules', name, 'package.json');
  if (!existsSync(join(repository, path))) return [];
  const { bin } = JSON.parse(read(path)) as { readonly bin?: string | Readonly<Record<string, string>> };
  return typeof bin === 'string' ? [name.split('/').at(-1)!] : Object.keys(bin ?? {});
}

const programs = new Map(Object.keys(manifest.devDependencies ?? {}).map((name) => [name, programsOf(name)]));
const faults = [
  ...dependencyFaults({ manifest, sources, commands, programs }),
  ...lockFaults(JSON.parse(read('package-lock.json')) as Lock),
];
for (const fault of faults) console.error(`dependencies: ${fault}`);
if (faults.length > 0) process.exitCode = 1;
else console.log(`dependencies: ${sources.length} files, ok`);
