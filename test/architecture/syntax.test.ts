import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';

const repository = join(import.meta.dirname, '../..');

t.test('the source has no `using` declarations, which Node.js 22 cannot read', async (t) => {
  const files = globSync('src/**/*.ts', { cwd: repository });
  t.ok(files.length > 400, `${files.length} files`);
  const code = (path: string): string => readFileSync(join(repository, path), 'utf8').replace(/\/\*[\s\S]*?\*\//g, '');
  t.strictSame(
    files.filter((path) => /^\s*(?:for (?:await )?\()?(?:await )?using [\w$]+ (?:=|of)/m.test(code(path))),
    [],
  );
});
