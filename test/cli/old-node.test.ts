import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import ts from 'typescript';

const repository = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const { engines, scripts } = JSON.parse(read('package.json')) as {
  engines: { node: string };
  scripts: Record<string, string>;
};

/** Starts the program as a Node.js of another version would. */
function withVersion(version: string) {
  const pretend = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, 'src/cli/main.js', '--version'];
  return spawnSync(process.execPath, args, { cwd: repository, encoding: 'utf8' });
}

t.test('an older Node.js than the package asks for is told what it lacks and where to get it', async (t) => {
  const oldest = engines.node.replace('>=', '');
  for (const version of ['16.20.2', '20.20.2', '22.18.0']) {
    const { status, stdout, stderr } = withVersion(version);
    t.match({ status, stdout }, { status: 1, stdout: '' }, version);
    const [first, second] = stderr.split('\n');
    t.equal(first, `Tunnelite needs Node.js ${oldest} or later; this is ${version}.`);
    t.match(second, /https:\/\/nodejs\.org.*"npm start" and "npm run -s tunnelite --" use the one that "npm ci"/);
  }
  for (const version of [`${oldest}.0`, '26.0.0']) t.equal(withVersion(version).status, 0, version);
});

t.test('everything up to the check of the version is plain JavaScript, whatever Node.js reads it', async (t) => {
  for (const script of ['start', 'demo', 'tunnelite']) t.match(scripts[script], /^node src\/cli\/main\.js\b/);
  const loaded: string[] = [];
  const visit = (path: string): void => {
    loaded.push(path);
    const { importedFiles } = ts.preProcessFile(read(path));
    const { statements } = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest);
    const first = new Set(
      statements.filter(ts.isImportDeclaration).map((one) => (one.moduleSpecifier as ts.StringLiteral).text),
    );
    for (const { fileName } of importedFiles) {
      if (first.has(fileName) && fileName.startsWith('.')) visit(join('src/cli', fileName));
    }
  };
  visit('src/cli/main.js');
  t.strictSame(loaded, ['src/cli/main.js', join('src/cli', 'code-cache.js')]);
});
