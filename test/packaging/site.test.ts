import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { pages } from '../support/documents/markdown.ts';

const repository = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');

interface SiteManifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

t.test('the sidebar of the site, which is made from docs/README.md, has every page', async (t) => {
  const listed = [...read('docs/README.md').matchAll(/\]\(([^)#]+\.md)\)/g)].map(([, page]) => `docs/${page}`);
  // Pages of the API are below the one that lists them.
  const there = globSync('docs/{*,{how-to,tutorials,reference,explanation}/*}.md', { cwd: repository });
  t.same(new Set([...listed, 'docs/README.md']), new Set(there));
});

t.test('the packages of the site are pinned, and come from whatever registry npm is set up for', async (t) => {
  const { scripts, devDependencies } = JSON.parse(read('docs/site/package.json')) as SiteManifest;
  const { packages } = JSON.parse(read('docs/site/package-lock.json')) as {
    packages: Record<string, { version?: string; resolved?: string; devDependencies?: object }>;
  };
  t.match(scripts.build, /^vitepress build/);
  t.same(packages['']?.devDependencies, devDependencies);
  for (const [name, version] of Object.entries(devDependencies)) {
    t.equal(packages[`node_modules/${name}`]?.version, version, name);
  }
  t.notOk(Object.values(packages).some(({ resolved }) => resolved));
});

t.test('what the site is made of is neither packed nor kept in the repository', async (t) => {
  const { scripts, files } = JSON.parse(read('package.json')) as SiteManifest & { files: readonly string[] };
  t.match(scripts.docs, /--prefix docs\/site/);
  t.ok(files.includes('!docs/site'));
  const made = ['docs/site/dist/index.html', 'docs/site/node_modules', 'docs/site/.vitepress/cache/x'];
  const ignored = execFileSync('git', ['check-ignore', '--no-index', ...made], { cwd: repository, encoding: 'utf8' });
  t.same(ignored.trim().split('\n'), made);
});

t.test('a heading has the same anchor on the site as on GitHub', async (t) => {
  t.match(read('docs/site/.vitepress/config.js'), /anchor: \{ slugify: anchorSlug \}/);
  const module = pathToFileURL(join(repository, 'docs/site/.vitepress/anchor-slug.js')).href;
  const { anchorSlug } = (await import(module)) as { anchorSlug: (heading: string) => string };
  t.equal(anchorSlug('Members of faults.rules'), 'members-of-faultsrules');
  for (const { path, anchors } of pages()) {
    if (!path.startsWith('docs/')) continue;
    const text = read(path).replaceAll(/^ *```.*?^ *```$/gms, '');
    for (const [, heading = ''] of text.matchAll(/^#{1,6} (.+)$/gm)) {
      // markdown-it-anchor passes the text of a heading without its marks.
      const slug = anchorSlug(heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''));
      t.ok(anchors.has(slug), `${path}: ${heading}`);
    }
  }
});

t.test('pages have no HTML, which the site would show as text', async (t) => {
  for (const page of globSync('docs/{tutorials,how-to,explanation}/*.md', { cwd: repository })) {
    const text = read(page)
      .replaceAll(/^ *```.*?^ *```$/gms, '')
      .replaceAll(/`[^`\n]*`/g, '');
    t.notMatch(text, /<\/?[a-z][^>]*>/i, page);
  }
  t.ok(pages().some(({ blocks }) => blocks.some(({ language }) => language === 'mermaid')));
  t.ok(existsSync(join(repository, 'docs/site/.vitepress/theme/Diagram.vue')));
});
