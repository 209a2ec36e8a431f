import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import ts from 'typescript';

const repository = join(import.meta.dirname, '../..');
const read = (path: string): string => readFileSync(join(repository, path), 'utf8');
const windows = process.platform === 'win32' && 'bash is not there';

const GOOD = `TAP version 14
# Subtest: test/one.test.ts
    ok 1 - a thing
ok 1 - test/one.test.ts # time=1ms
# Subtest: test/deep/two.test.ts
    ok 1 - another
ok 2 - test/deep/two.test.ts # time=1ms
1..2
# { total: 2, pass: 2 }
`;

/** Runs .ci/run with programs that do nothing in place of npm, node and the package manager; the tests print \`tap\`. */
function ci(t: Test, { tap = GOOD, status = 0, failing = '', leaves = '' } = {}) {
  const npm = `#!/bin/sh
case "$*" in
  ${failing === '' ? '"no such command"' : `*"${failing}"*`}) exit 1 ;;
  "test "*) ${leaves} cat tap.txt; exit ${status} ;;
esac
`;
  const nothing = '#!/bin/sh\nexit 0\n';
  const root = t.testdir({
    '.ci': {},
    bin: { npm, 'dpkg-query': '#!/bin/sh\nprintf installed\n' },
    node_modules: { '.bin': { node: nothing } },
    test: { 'one.test.ts': '', deep: { 'two.test.ts': '' } },
    'tap.txt': tap,
  });
  copyFileSync(join(repository, '.ci/run'), join(root, '.ci/run'));
  spawnSync('chmod', ['755', 'bin/npm', 'bin/dpkg-query', 'node_modules/.bin/node'], { cwd: root });
  const result = spawnSync('bash', ['.ci/run'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env.PATH}` },
  });
  const left = join(root, 'left.pid');
  if (existsSync(left)) process.kill(Number(readFileSync(left, 'utf8')));
  return { code: result.status, out: result.stdout + result.stderr, last: result.stdout.trim().split('\n').at(-1) };
}

t.test('a run in which everything holds ends with 0 and counts', { skip: windows }, async (t) => {
  const { code, last, out } = ci(t);
  t.equal(code, 0, 'exit code', { out });
  t.match(last, /^\d+ passed, 0 failed$/);
});

const wrong: [string, Parameters<typeof ci>[1], RegExp][] = [
  ['a check that fails', { failing: 'run -s typecheck' }, /typecheck: FAILED/],
  ['packages that cannot be installed', { failing: 'ci ' }, /npm ci/],
  [
    'an assertion that fails',
    {
      tap: GOOD.replace('    ok 1 - a', '    not ok 1 - a').replace('pass: 2', 'pass: 1, fail: 1'),
      status: 1,
    },
    /Failures:\n +not ok 1 - a thing/,
  ],
  ['tests that end without a word', { tap: '' }, /Not run:\ntest\/deep\/two\.test\.ts\ntest\/one\.test\.ts/],
  ['tests that crash', { tap: 'TAP version 14\n', status: 139 }, /tap itself ended with/],
  ['a summary of no tests', { tap: GOOD.replace('total: 2, pass: 2', 'total: 0, pass: 0') }, /one of no tests/],
  ['a file that did not run', { tap: GOOD.replace('ok 2 - test/deep/two.test.ts', 'x') }, /Not run:\ntest\/deep\/two/],
  [
    'a test that was skipped',
    { tap: GOOD.replace('ok 1 - another', 'ok 1 - another # SKIP koffi is not installed') },
    /Skipped, though everything is required here:\n +ok 1 - another/,
  ],
  ['a test that is left to do', { tap: GOOD.replace('ok 1 - another', 'not ok 1 - another # TODO') }, /Left to do:/],
];
if (process.platform === 'linux')
  wrong.push([
    'a process that a test has left',
    { leaves: '(exec sleep 300 >/dev/null 2>&1) & echo "$!" >left.pid;' },
    /Left running:\nsleep 300/,
  ]);
for (const [what, circumstances, words] of wrong) {
  t.test(`the run fails for ${what}`, { skip: windows }, async (t) => {
    const { code, out, last } = ci(t, circumstances);
    t.equal(code, 1, 'exit code', { out });
    t.match(last, /^\d+ passed, [1-9]\d* failed$/);
    t.match(out, words);
  });
}

t.test('what no package brings may be skipped', { skip: windows }, async (t) => {
  for (const program of ['docker compose', 'artillery']) {
    const tap = GOOD.replace('ok 1 - another', `ok 1 - another # SKIP ${program} is not installed`);
    t.match(ci(t, { tap }), { code: 0 }, program);
  }
});

t.test('the run requires every peer, and calls only scripts that there are', async (t) => {
  const run = read('.ci/run');
  t.match(run, /^set -euo pipefail$/m);
  t.match(run, /^export .*TUNNELITE_INTEROP=required/m);
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const called = [...run.matchAll(/npm run -s (\S+)/g)].map(([, name]) => name!);
  t.ok(called.length >= 4);
  for (const name of called) t.ok(name in scripts, name);
});

t.test('lint takes warnings for failures, and leaves nothing out but what is made', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  t.match(scripts.lint, /^biome check --error-on-warnings \.$/);
  const biome = JSON.parse(read('biome.json')) as { files: { includes: string[] } };
  t.strictSame(biome.files.includes, [
    '**',
    '!docs/config.schema.json',
    '!docs/scenario.schema.json',
    '!docs/load.schema.json',
  ]);
});

t.test('one warning makes lint fail', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const [program, ...args] = scripts.lint!.split(' ');
  // Nothing is ignored for git's sake in a temporary folder.
  const biome = read('biome.json').replace(/\{ "enabled": true, "clientKind".*?\}/, '{ "enabled": false }');
  const lint = (text: string) => {
    const cwd = t.testdir({ 'biome.json': biome, 'a.ts': text });
    const bin = join(repository, 'node_modules/.bin', program!);
    return spawnSync(bin, args, { cwd, encoding: 'utf8', shell: process.platform === 'win32' });
  };
  const good = lint("export const f = (a: string[]): string => a.join('');\n");
  t.equal(good.status, 0, 'nothing wrong', good);
  const { status, stdout, stderr } = lint('export const f = (a: { b: 1 } | undefined): 1 | undefined => a && a.b;\n');
  t.not(status, 0);
  t.match(stdout + stderr, /Found 1 warning/);
});

t.test('every TypeScript file of the repository is type-checked', async (t) => {
  const tracked = spawnSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.ts'], {
    cwd: repository,
    encoding: 'utf8',
  });
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  const configs = [...scripts.typecheck!.matchAll(/-p (tsconfig[.\w]*\.json)/g)].map(([, name]) => name!);
  t.strictSame(configs, ['tsconfig.json', 'tsconfig.page.json']);
  const checked = new Set(
    configs.flatMap((name) => {
      const { config } = ts.readConfigFile(join(repository, name), ts.sys.readFile);
      return ts.parseJsonConfigFileContent(config, ts.sys, repository.replaceAll('\\', '/')).fileNames;
    }),
  );
  const root = repository.replaceAll('\\', '/');
  const files = tracked.stdout.split('\n').filter((path) => path !== '');
  t.ok(files.length > 400, `${files.length} files`);
  t.strictSame(
    files.filter((path) => !checked.has(`${root}/${path}`)),
    [],
  );
});
