import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import t, { type Test } from 'tap';

// .ci/run with the test runner itself: what it prints in these cases is its own affair, and changes with its versions.

const repository = join(import.meta.dirname, '../..');
const windows = process.platform === 'win32' && 'bash is not there';

const PASSES = "import t from 'tap'; t.ok(true, 'it ran');";
const HANGS =
  "import t from 'tap'; t.ok(true); t.test('forever', () => new Promise(() => setInterval(() => {}, 1e6)));";

/** The environment without what the runner of this test put there. */
function environment(more: Record<string, string>): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS|npm_)/.test(name));
  return { ...Object.fromEntries(own), ...more };
}

/** Runs .ci/run with these test files; each of them may take so many seconds. */
function ci(t: Test, files: Readonly<Record<string, string>>, limit = 60) {
  const taprc = readFileSync(join(repository, '.taprc'), 'utf8')
    .replace(/^timeout: .*/m, `timeout: ${limit}`)
    .replace(/^jobs: .*/m, 'jobs: 1')
    .replace(/^node-arg:\n.*\n/m, '');
  const npm = `#!/bin/sh
case "$*" in
  "test "*) shift 3; exec node_modules/.bin/tap --reporter=tap "$@" ;;
esac
`;
  const root = t.testdir({
    '.ci': {},
    '.taprc': taprc,
    'package.json': '{ "name": "few-tests", "type": "module" }',
    bin: { npm, 'dpkg-query': '#!/bin/sh\nprintf installed\n' },
    node_modules: t.fixture('symlink', join(repository, 'node_modules')),
    scripts: { 'check-package.ts': '', 'check-node-versions.ts': '' },
    test: files,
  });
  copyFileSync(join(repository, '.ci/run'), join(root, '.ci/run'));
  spawnSync('chmod', ['755', 'bin/npm', 'bin/dpkg-query'], { cwd: root });
  const { status, stdout, stderr } = spawnSync('bash', ['.ci/run'], {
    cwd: root,
    encoding: 'utf8',
    timeout: 100_000,
    env: environment({ PATH: [join(root, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter) }),
  });
  return { status, out: stdout + stderr };
}

t.test('tests that hold are counted', { skip: windows }, async (t) => {
  const { status, out } = ci(t, { 'a.test.ts': PASSES, 'b.test.ts': PASSES });
  t.equal(status, 0, 'exit code', { out });
  t.match(out, /^ok \d - test\/b\.test\.ts/m);
});

t.test('a file without tests makes the run fail', { skip: windows }, async (t) => {
  const { status, out } = ci(t, { 'a.test.ts': PASSES, 'empty.test.ts': '' });
  t.equal(status, 1);
  t.match(out, /Skipped, though everything is required here:\n.*test\/empty\.test\.ts # SKIP/);
});

t.test('a file that hangs does not hide the files after it', { skip: windows, timeout: 110_000 }, async (t) => {
  const { status, out } = ci(
    t,
    { 'a.test.ts': HANGS, 'b.test.ts': PASSES, 'c.test.ts': HANGS, 'd.test.ts': PASSES, 'e.test.ts': PASSES },
    6,
  );
  t.equal(status, 1);
  for (const file of ['a', 'c']) t.match(out, new RegExp(`^not ok \\d - test/${file}\\.test\\.ts`, 'm'));
  for (const file of ['b', 'd', 'e']) t.match(out, new RegExp(`^ok \\d - test/${file}\\.test\\.ts`, 'm'), file);
  t.notMatch(out, /^Not run:/m);
});
