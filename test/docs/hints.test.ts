import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { commandComplaints } from '../support/documents/command-lines.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

/** Commands of ours in quotes, as messages, hints and events name them. */
const QUOTED = /["“](tunnelite [^"”]*)["”]/g;

t.test('every command that a message names is one that the program has', async (t) => {
  let count = 0;
  for (const path of globSync('src/**/*.ts', { cwd: REPOSITORY })) {
    for (const [, command] of readFileSync(join(REPOSITORY, path), 'utf8').matchAll(QUOTED)) {
      count++;
      const line = command!.replace(/ --help$/, '').replaceAll(/[<>]/g, '');
      t.strictSame(await commandComplaints(line, false), [], path);
    }
  }
  t.ok(count > 10, `${count} commands`);
  t.not((await commandComplaints('tunnelite nonsense', false)).length, 0);
});
