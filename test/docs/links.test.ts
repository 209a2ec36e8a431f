/** Links inside pages are checked in snippets.test.ts; here is where pages are, and what else names them. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { pages, REPOSITORY } from '../support/documents/markdown.ts';

const all = pages();
const FOLDERS = ['tutorials', 'how-to', 'reference', 'explanation'];

t.test('every page is in one of the four folders, and the index links to it', async (t) => {
  const linksOf = (path: string, folder: string): Set<string> =>
    new Set(all.find((page) => page.path === path)!.links.map(({ target }) => join(folder, target.replace(/#.*/, ''))));
  const index = linksOf('docs/README.md', 'docs');
  const api = linksOf('docs/reference/api.md', 'docs/reference');
  let count = 0;
  for (const { path } of all) {
    const [docs, folder, ...rest] = path.split('/');
    if (docs !== 'docs' || rest.length === 0) continue;
    count++;
    t.ok(FOLDERS.includes(folder!), path);
    t.ok((rest.length > 1 ? api : index).has(path), `${path} is not in the index`);
  }
  t.ok(count > 30, `${count} pages`);
});

t.test('pages that messages, hints and comments name are there', async (t) => {
  const files = globSync('{src,scripts,bench,examples}/**/*.{ts,js,cjs,yaml,py,html}', { cwd: REPOSITORY });
  let count = 0;
  for (const path of files.filter((file) => !file.includes('node_modules'))) {
    for (const [page] of readFileSync(join(REPOSITORY, path), 'utf8').matchAll(/\bdocs\/[\w/-]+\.(?:md|json)\b/g)) {
      count++;
      t.ok(existsSync(join(REPOSITORY, page)), `${path} names ${page}`);
    }
  }
  t.ok(count > 50, `${count} names`);
});
