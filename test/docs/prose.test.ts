import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { REPOSITORY } from '../support/documents/markdown.ts';

const read = (path: string): string => readFileSync(join(REPOSITORY, path), 'utf8');

/** Checks a page by the configuration that `npm run prose` has. */
function prose(page: string) {
  const textlint = join(REPOSITORY, 'node_modules/.bin/textlint');
  const options = ['--config', '.textlintrc.json', '--format', 'json', '--stdin', '--stdin-filename', 'page.md'];
  const { status, stdout, stderr } = spawnSync(process.execPath, [textlint, ...options], {
    cwd: REPOSITORY,
    encoding: 'utf8',
    input: page,
    timeout: 100_000,
  });
  if (stdout === '') throw new Error(stderr);
  const [{ messages }] = JSON.parse(stdout) as [{ messages: { message: string }[] }];
  return { status, messages: messages.map(({ message }) => message) };
}

t.test('words that pages do not use are found, with what to write', async (t) => {
  const { status, messages } = prose('# Page\n\nMost colours are to be had anew. The log says why.\n');
  t.equal(status, 1);
  t.same(messages, [
    'colours => colors',
    'are to be had => is available',
    'anew => again',
    'The log says => The log has',
  ]);
});

t.test('code and emphasized words are not checked', async (t) => {
  t.match(prose('# Page\n\n`anew`, *anew*\n\n```text\nanew\n```\n'), { status: 0, messages: [] });
});

t.test('the checks include the words of every page', async (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
  t.match(scripts.check, /npm run prose\b/);
  t.match(read('.ci/run'), /^check prose npm run -s prose$/m);
  t.notOk(existsSync(join(REPOSITORY, '.textlintignore')), 'no page is left out');
});
