import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const repository = join(import.meta.dirname, '../..');
const MAX_LINES = 500;

/** Files that may be longer, and why: tables, of which a part would be no easier to read. */
const TABLES: Readonly<Record<string, string>> = {
  'src/entra/errors/aadsts.ts': 'one entry for each AADSTS code',
  'src/lib/error-codes.ts': 'one entry for each error code',
  'src/telemetry/events.ts': 'one entry for each event',
};

const linesOf = (path: string): number => readFileSync(join(repository, path), 'utf8').split('\n').length - 1;
const files = globSync('{src,bin,test,bench,scripts,examples,packages/*/src}/**/*.{ts,mjs,cjs,py}', {
  cwd: repository,
}).map((path) => path.replaceAll('\\', '/'));

t.test(`no file but a table has more than ${MAX_LINES} lines`, async (t) => {
  t.ok(files.length > 400, `${files.length} files`);
  const long = files.filter((path) => !(path in TABLES)).filter((path) => linesOf(path) > MAX_LINES);
  t.strictSame(long, []);
});

t.test('each table that may be longer is there, and is longer', async (t) => {
  for (const [path, why] of Object.entries(TABLES)) {
    t.ok(files.includes(path), path);
    t.ok(linesOf(path) > MAX_LINES, `${path}: ${why}`);
  }
});
