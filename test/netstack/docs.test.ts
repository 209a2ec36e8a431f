import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { systemRandom } from '../../src/lib/random.ts';
import { createNetstack } from '../../src/netstack/index.ts';

const root = join(import.meta.dirname, '../..');
const document = await readFile(join(root, 'docs/reference/netstack.md'), 'utf8');

t.test('the example in docs/reference/netstack.md runs and prints what was sent', async (t) => {
  const example = /```ts\n([\s\S]*?)```/.exec(document)![1]!;
  const directory = await mkdtemp(join(tmpdir(), 'tunnelite-docs-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const file = join(directory, 'example.ts');
  await writeFile(file, example.replace('tunnelite/netstack', pathToFileURL(join(root, 'src/netstack/index.ts')).href));
  const { stdout } = await promisify(execFile)(process.execPath, [file], { timeout: 30_000 });
  t.equal(stdout, 'hello through two TCP stacks\n');
});

t.test('docs/reference/netstack.md names every counter, and none that is not there', async (t) => {
  const stack = createNetstack({ random: systemRandom, now: 0, output() {} });
  const table = document.slice(document.indexOf('## Counters'), document.indexOf('`flow.stats()`'));
  const rows = table.split('\n').filter((line) => line.startsWith('| `'));
  const named = rows.flatMap((line) => [...line.split('|')[1]!.matchAll(/`(\w+)`/g)].map((match) => match[1]!));
  t.same(named.toSorted(), Object.keys(stack.stats()).toSorted());
});
