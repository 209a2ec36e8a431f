import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { parseNdjson } from '../../src/telemetry/index.ts';
import { GoodRuns } from '../../src/testing/good-run.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

t.setTimeout(200_000);

const source = (path: string): string => JSON.stringify(pathToFileURL(join(REPOSITORY, 'src', path)).href);

/** A suite of node:test with one test, which fails when it is told to: then its client has a token that has expired. */
const SUITE = (folder: string): string => `
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { TunnelClient } from ${source('index.ts')};
import { useSimulator } from ${source('testing/index.ts')};
const fixture = useSimulator({ before, after, beforeEach, afterEach }, {}, { journal: ${JSON.stringify(folder)} });
test('connects', async () => {
  const { sim } = fixture;
  const token = await sim.token(process.env.RED ? { wrong: 'expired' } : {});
  await using client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token });
});
`;

t.test('a run of node:test that passes is kept, and one that fails says where it parts from it', async (t) => {
  const folder = join(t.testdir(), 'journals');
  const suite = join(t.testdirName, 'suite.test.ts');
  writeFileSync(suite, SUITE(folder));
  const run = (env: NodeJS.ProcessEnv = {}) =>
    new Promise<string>((resolve) => {
      // Without what tells node:test that it is run by a test already.
      const { NODE_TEST_CONTEXT: _, ...rest } = process.env;
      const options = { env: { ...rest, ...env, NODE_OPTIONS: '' }, timeout: 90_000 };
      execFile(process.execPath, ['--test', '--test-reporter=tap', suite], options, (_, out, err) =>
        resolve(`${out}${err}`),
      );
    });
  const green = await run();
  const [file, ...others] = readdirSync(folder);
  t.match(file, /^connects-[0-9a-f]{8}\.ndjson$/, green);
  t.strictSame(others, []);
  const kept = readFileSync(join(folder, file!), 'utf8');
  t.ok(parseNdjson(kept).some(({ name }) => name === 'session.connect'));
  const red = await run({ RED: '1' });
  t.match(red, /Compared with its good run \(.*connects-[0-9a-f]{8}\.ndjson\):/);
  t.match(red, /Then came auth\.accepted in the good run, and auth\.refused in this run\./, red);
  t.equal(readFileSync(join(folder, file!), 'utf8'), kept, 'a good run stays');
});

t.test('names of tests that look alike have files of their own, and what is broken is told', async (t) => {
  const folder = t.testdir();
  const runs = new GoodRuns(folder);
  const told = t.capture(console, 'error');
  for (const name of ['a b', 'a-b', '../../etc/passwd', '', 'ü'.repeat(500), '日本']) runs.keep(name, []);
  t.equal(readdirSync(folder).length, 6);
  t.equal(await runs.compare('never ran', []), undefined);
  t.match(await runs.compare('a b', []), /Both runs are the same/);
  for (const file of readdirSync(folder)) writeFileSync(join(folder, file), '{}\n');
  t.match(await runs.compare('a b', []), /cannot be read: .*:1: The line is not an event/);
  new GoodRuns(join(folder, readdirSync(folder)[0]!)).keep('x', []);
  t.match(told()[0]?.args[0], /The journal of “x” cannot be kept/);
});
