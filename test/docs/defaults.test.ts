import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { defaultFacts } from '../../scripts/pages/defaults-page.ts';

t.test('the table of defaults in README.md has what the code has', async (t) => {
  const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
  const table = /## Defaults\n([\s\S]*?)\n## /.exec(readme)![1]!;
  const facts = Object.entries(defaultFacts());
  t.ok(facts.length > 8);
  for (const [name, value] of facts) t.ok(table.includes(value), `${name}: ${value}`);
});
