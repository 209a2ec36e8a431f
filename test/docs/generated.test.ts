import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generatedDocs } from '../../scripts/generated-docs.ts';
import { ERROR_CODES } from '../../src/lib/error-codes.ts';

for (const [name, text] of Object.entries(await generatedDocs())) {
  t.test(`docs/${name} says what the code says`, async (t) => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
    t.equal(committed, text, 'if not: node scripts/generate-docs.ts');
  });
}

t.test('the pages that hints of errors send people to are there', async (t) => {
  const named = new Set(
    Object.values(ERROR_CODES).flatMap(({ hint }) => [...hint.matchAll(/docs\/[\w/-]+\.md/g)].map(([page]) => page)),
  );
  t.ok(named.size > 0);
  for (const page of named) t.ok(existsSync(join(import.meta.dirname, '../..', page)), page);
});
