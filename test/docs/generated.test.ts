import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { generatedDocs } from '../../scripts/generated-docs.ts';

for (const [name, text] of Object.entries(generatedDocs())) {
  t.test(`docs/${name} says what the code says`, async (t) => {
    const committed = readFileSync(join(import.meta.dirname, '../../docs', name), 'utf8');
    t.equal(committed, text, 'if not: node scripts/generate-docs.ts');
  });
}
