import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { EVENTS } from '../../src/telemetry/events.ts';

const SRC = join(import.meta.dirname, '../../src');

/** The names that source lines emit: every call of `emit` in the program names its event as a literal; names have a dot, those of Node's emitters none. */
function emitted(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of globSync('**/*.ts', { cwd: SRC })) {
    const text = readFileSync(join(SRC, file), 'utf8');
    for (const [, name] of text.matchAll(/\bemit\(\s*'([\w-]+(?:\.[\w-]+)+)'/g)) {
      found.set(name!, [...(found.get(name!) ?? []), file]);
    }
  }
  return found;
}

t.test('every event of the table is emitted somewhere, and every emitted one is in the table', async (t) => {
  t.strictSame([...emitted().keys()].sort(), Object.keys(EVENTS).sort());
});

t.test('the event of a DNS query has one answer or several answers', async (t) => {
  const sentence = (answers: number) =>
    EVENTS['dns.query'].text({ session: undefined, question: 'a.test', type: 'A', outcome: 'answered', answers });
  t.equal(sentence(1), 'DNS A a.test: answered, 1 answer');
  t.equal(sentence(2), 'DNS A a.test: answered, 2 answers');
});
