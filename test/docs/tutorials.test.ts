/** The tests that pages show are run as they stand, with the sources in the place of the package. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { pages, REPOSITORY } from '../support/documents/markdown.ts';

const PAGES = ['README.md', 'docs/tutorials/first-test.md', 'docs/how-to/parallel-tests.md'];
const run = promisify(execFile);
const source = (file: string): string => pathToFileURL(join(REPOSITORY, 'src', file)).href;

for (const path of PAGES) {
  t.test(`the test in ${path} passes`, async (t) => {
    const page = pages().find((one) => one.path === path)!;
    const shown = page.blocks.filter(({ language, text }) => language === 'ts' && text.includes("from 'node:test'"));
    t.equal(shown.length, 1);
    const text = shown[0]!.text
      .replaceAll("from 'tunnelite'", `from '${source('index.ts')}'`)
      .replaceAll("from 'tunnelite/testing'", `from '${source('testing/index.ts')}'`);
    const folder = t.testdir({ 'shown.test.mts': text });
    const { NODE_OPTIONS: _, ...env } = process.env;
    const options = { cwd: folder, env: { ...env, NO_COLOR: '1' }, timeout: 150_000 };
    const { stdout } = await run(process.execPath, ['--test-reporter=tap', 'shown.test.mts'], options);
    t.match(stdout, /^# pass [1-9]/m);
    t.match(stdout, /^# fail 0/m);
  });
}
