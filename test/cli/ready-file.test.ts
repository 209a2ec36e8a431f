import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readReadyFile, removeReadyFile, withdrawReadyFile, writeReadyFile } from '../../src/cli/context/ready-file.ts';
import { whileHeld } from '../../src/lib/held-file.ts';

const FACTS = { version: '1', pid: 7, gateway: 'https://localhost:1', authority: '', admin: 'http://127.0.0.1:2' };
const STATE = { ready: true, ...FACTS } as const;

/** Windows, on which something else holds the file at the first tries. */
function heldFor(tries: number): typeof whileHeld {
  let left = tries;
  return (work) =>
    whileHeld(
      async () => {
        if (left-- > 0) throw Object.assign(new Error('held'), { code: 'EPERM' });
        return work();
      },
      'win32',
      async () => {},
    );
}

t.test('the file is written though a reader has the former one open for a while', async (t) => {
  const folder = t.testdir({ ready: '{}' });
  const file = join(folder, 'ready');
  await writeReadyFile(file, STATE, heldFor(3));
  t.same(await readReadyFile(file), STATE);
  t.same(readdirSync(folder), ['ready'], 'and nothing is left beside it');
});

t.test('a file that cannot be written is told, and leaves nothing behind', async (t) => {
  const folder = t.testdir({ taken: {} });
  mkdirSync(join(folder, 'taken', 'inner'));
  await t.rejects(writeReadyFile(join(folder, 'taken'), STATE), {
    code: 'ERR_CLI_FILE',
    message: /taken cannot be written/,
  });
  t.same(readdirSync(folder), ['taken']);
});

t.test('an instance takes back only the file that is its own', async (t) => {
  const file = join(t.testdir(), 'ready');
  t.equal(await readReadyFile(file), undefined);
  await writeReadyFile(file, STATE);
  await withdrawReadyFile(file, { ...FACTS, pid: 8 });
  t.same(await readReadyFile(file), STATE);
  await withdrawReadyFile(file, FACTS);
  t.equal(await readReadyFile(file), undefined);
  await removeReadyFile(file);
});
