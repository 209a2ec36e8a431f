/** Pictures of the pages: each is shown, with a text, is small, and shows the figures of today. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { deflateSync } from 'node:zlib';
import t from 'tap';
import { rowsBesideOcserv } from '../../scripts/pictures/ocserv-bars.ts';
import { palettePng, readPng } from '../../scripts/pictures/palette-png.ts';
import { pages, REPOSITORY } from '../support/documents/markdown.ts';

const images = readdirSync(join(REPOSITORY, 'docs/images')).map((name) => `docs/images/${name}`);
const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

t.test('each picture is on a page, and each has a text for people who do not see it', async (t) => {
  const linked = new Set<string>();
  for (const { path, links } of pages()) {
    for (const { target } of links) linked.add(relative(REPOSITORY, resolve(REPOSITORY, path, '..', target)));
    for (const [whole, text = ''] of read(path).matchAll(/!\[([^\]]*)\]\([^)]+\)/g)) {
      t.ok(text.split(' ').length >= 4, `${path}: ${whole}`);
    }
  }
  t.ok(images.length > 10);
  for (const image of images) t.ok(linked.has(image), image);
});

t.test('screenshots are taken again by name, have a palette, and are small', async (t) => {
  const tests = ['dashboard', 'dashboard-pages', 'dashboard-policies', 'report-chromium', 'entra-msal-browser']
    .map((name) => read(`test/interop/${name}.test.ts`))
    .join();
  for (const image of images.filter((name) => name.endsWith('.png'))) {
    const png = readFileSync(join(REPOSITORY, image));
    t.equal(png[25], 3, `${image} has a palette`);
    t.ok(statSync(join(REPOSITORY, image)).size < 64 * 1024, `${image} is small`);
    const name = image.replace(/^.*\/|(?:-narrow)?(?:-dark)?\.png$/g, '');
    t.ok(tests.includes(`'${name}'`) || /^(?:view|report)-\w+$/.test(name), `a test takes ${name}`);
  }
});

t.test('a PNG with a palette shows what the PNG before showed', async (t) => {
  // Eight pixels in two rows, the second filtered by the row above.
  const first = [255, 0, 0, 255, 0, 0, 0, 0, 255, 255, 0, 0];
  const rows = Buffer.from([0, ...first, 2, ...first.map(() => 0)]);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(4, 0);
  header.writeUInt32BE(2, 4);
  header.set([8, 2], 8);
  const chunk = (type: string, data: Buffer): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    return Buffer.concat([length, Buffer.from(type), data, Buffer.alloc(4)]);
  };
  const png = Buffer.concat([
    Buffer.from('89504e470d0a1a0a', 'hex'),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
  ]);
  const row = [0xff0000, 0xff0000, 0x0000ff, 0xff0000];
  t.strictSame([...readPng(png).pixels], [...row, ...row]);
  const small = palettePng(png);
  const palette = small.subarray(small.indexOf('PLTE') + 4);
  t.equal(palette.subarray(0, 6).toString('hex'), 'ff00000000ff', 'the most frequent color is the first');
});

t.test('the bars have the rows of the table in which ocserv has a figure', async (t) => {
  const table = `## Beside ocserv\n
| | Tunnelite | ocserv | ratio |
|---|---|---|---|
| TLS up, Mbit/s | 1120 (1021 to 1169) | 767 | 1.46 × |
| RSS | 62.7 | – | – |\n
| another table | 1 | 2 |\n`;
  t.strictSame(rowsBesideOcserv(table), [{ name: 'TLS up, Mbit/s', tunnelite: '1120', ocserv: '767' }]);
  const rows = rowsBesideOcserv(read('docs/explanation/benchmarks.md'));
  t.ok(rows.length > 10);
  const picture = read('docs/images/beside-ocserv.svg');
  for (const { name, tunnelite, ocserv } of rows) {
    for (const text of [name, tunnelite, ocserv]) t.ok(picture.includes(`>${text}<`), `${name}: ${text}`);
  }
});
