import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const repository = join(import.meta.dirname, '../..');

t.test('every link between the pages of the package leads to something that the package has', async (t) => {
  const listing = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
    cwd: repository,
    encoding: 'utf8',
    timeout: 60_000,
    // npm makes its cache wherever it is told to, also where the home cannot be written to.
    env: { ...process.env, npm_config_cache: t.testdir() },
  });
  const [{ files }] = JSON.parse(listing) as [{ files: { path: string }[] }];
  const packed = files.map(({ path }) => path);
  const there = (target: string): boolean => packed.some((path) => path === target || path.startsWith(`${target}/`));
  const pages = packed.filter((path) => path.endsWith('.md'));
  t.ok(pages.length >= 10);
  for (const page of pages) {
    const text = readFileSync(join(repository, page), 'utf8');
    for (const [, target = ''] of text.matchAll(/\]\((?!https?:|#)([^)#\s]+)[^)]*\)/g)) {
      t.ok(there(join(page, '..', target)), `${page}: ${target}`);
    }
  }
});
