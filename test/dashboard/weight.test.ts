import { readFileSync, statSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import t from 'tap';
import { DOCUMENT, PAGE_FOLDER, pageFiles } from '../../src/dashboard/files.ts';

const files = pageFiles();
const pathOf = (address: string): string => {
  const file = files.get(address);
  if (!file) throw new Error(`There is no ${address}`);
  return join(file.folder, file.name);
};
const html = readFileSync(join(PAGE_FOLDER, DOCUMENT), 'utf8');
const imports = new Map(
  [...html.matchAll(/"([\w/]+)": "\/dashboard\/([^"]+)"/g)].map(([, name, address]) => [name!, address!]),
);

/** What a module imports before it runs; what is imported when it is wanted (`import(…)`) is not among it. */
function importsOf(address: string): string[] {
  const text = readFileSync(pathOf(address), 'utf8');
  return [...text.matchAll(/(?:^|[;}\n])\s*import\s*(?:[\w*{][^'"();]*from\s*)?["']([^"']+)["']/g)].map(
    ([, specifier]) =>
      specifier!.startsWith('.') ? posix.join(dirname(address), specifier!) : imports.get(specifier!)!,
  );
}

function closure(start: readonly string[]): Set<string> {
  const found = new Set(start);
  for (const address of found) {
    if (address.endsWith('.js')) for (const one of importsOf(address)) found.add(one);
  }
  return found;
}

t.test('the first page is no heavier than 150 KB, uncompressed', async (t) => {
  const linked = [...html.matchAll(/(?:href|src)="\/dashboard\/([^"]+)"/g)].map(([, address]) => address!);
  const first = closure([...linked, 'app.js', 'views/sessions.js']);
  const bytes = [...first].reduce((sum, address) => sum + statSync(pathOf(address)).size, Buffer.byteLength(html));
  t.ok(first.has('lib/preact.js') && first.has('ui/virtual.js') && first.has('style.css'));
  t.notOk(first.has('lib/uplot.js'), 'charts come with the views that have some');
  t.ok(bytes <= 150 * 1000, `${bytes} bytes in ${first.size + 1} files`);
  t.comment(`${bytes} bytes in ${first.size + 1} files`);
});

t.test('every file that one of the page imports is served, and no file is there that none needs', async (t) => {
  const linked = [...html.matchAll(/(?:href|src)="\/dashboard\/([^"]+)"/g)].map(([, address]) => address!);
  const views = [...files.keys()].filter((address) => address.startsWith('views/'));
  const all = closure([...linked, 'app.js', ...views, 'lib/uplot.js', 'lib/uplot.css']);
  t.strictSame([...all].toSorted(), [...files.keys()].toSorted());
  const app = readFileSync(pathOf('app.js'), 'utf8');
  for (const view of views) t.ok(app.includes(`./${view}`), view);
});

t.test('the page makes no markup out of texts', async (t) => {
  for (const [address, { folder }] of files) {
    if (!folder.startsWith(PAGE_FOLDER) || !address.endsWith('.js')) continue;
    const text = readFileSync(pathOf(address), 'utf8');
    t.notMatch(
      text,
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|dangerouslySetInnerHTML|\beval\(|new Function/,
      address,
    );
    t.notMatch(
      text,
      /https?:\/\/(?!(?:intranet|pac)\.contoso\.internal|127\.0\.0\.1)[a-z]/,
      `${address} names no other site`,
    );
  }
});
