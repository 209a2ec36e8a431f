// Writes the documentation that comes from tables in the code. A test fails when a committed file differs.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generatedDocs } from './generated-docs.ts';

const docs = join(import.meta.dirname, '..', 'docs');
for (const [name, text] of Object.entries(await generatedDocs())) {
  writeFileSync(join(docs, name), text);
  console.log(`docs/${name}`);
}
