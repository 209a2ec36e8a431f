import { globSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import t from 'tap';
import { REPOSITORY } from '../support/documents/markdown.ts';

t.test('docs/explanation/architecture.md names every inner folder of src, and no other', async (t) => {
  const page = readFileSync(join(REPOSITORY, 'docs/explanation/architecture.md'), 'utf8');
  const [, table] = /## Inner folders\n([\s\S]*?)\n\n`test\/`/.exec(page)!;
  const named = table!.split('\n').flatMap((line) => {
    const [, folder, rooms] = /^\| `(\w[\w-]*)` \| (.*) \|$/.exec(line) ?? [];
    const lists = (rooms ?? '').split('; ').map((part) => part.split(':')[0]!);
    return lists.flatMap((list) => [...list.matchAll(/`([\w-]+)`/g)].map(([, room]) => `${folder}/${room}`));
  });
  const there = globSync('src/*/*/', { cwd: REPOSITORY, withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => `${basename(entry.parentPath)}/${entry.name}`);
  t.ok(there.length > 10 && there.every((room) => dirname(room) !== '.'));
  t.same(named.toSorted(), there.toSorted());
});
