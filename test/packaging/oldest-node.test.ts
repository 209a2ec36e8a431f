import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const source = join(import.meta.dirname, '../../src');

t.test('the source has no `using`, which Node.js 22 cannot read and type stripping leaves as it is', async (t) => {
  const faults = readdirSync(source, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .filter((file) => /^\s*(?:await )?using \w+ =/m.test(readFileSync(join(source, file), 'utf8')));
  t.strictSame(faults, []);
});
