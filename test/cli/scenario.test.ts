import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli } from '../support/cli.ts';

t.setTimeout(120_000);

const GOOD = `timeline:
  - { at: 0s, fault: { name: hole, on: { seam: udp }, then: { do: drop } } }
  - { at: 10s }
expect:
  - { event: session.connect, count: 1 }
  - { rule: hole }
`;
const BAD = GOOD.replace('session.connect', 'auth.refused');

t.test('the exit code tells what came of it, and files for CI are written', async (t) => {
  const folder = t.testdir({ 'good.yaml': GOOD, 'bad.yaml': BAD });
  const [good, bad] = [join(folder, 'good.yaml'), join(folder, 'bad.yaml')];
  const passed = await cli(['scenario', 'run', good]);
  t.match(passed, { code: 0, out: /^passed {2}good \(2 expectations; 10s virtual in / });
  const junit = join(folder, 'results.xml');
  const failed = await cli(['scenario', 'run', good, bad, '--junit', junit]);
  t.equal(failed.code, 1);
  t.match(failed.out, /\nFAILED {2}bad: 1 of 2 expectations not met/);
  t.match(failed.out, /bad\.yaml:5:5\n +expected {2}auth\.refused, once\n/);
  t.match(failed.out, /Again: tunnelite scenario run \S*bad\.yaml --seed 1\n/);
  t.match(failed.out, /\n1 of 2 scenarios passed\n$/);
  t.match(readFileSync(junit, 'utf8'), /<testsuites name="Tunnelite scenarios" tests="4" failures="1" errors="0"/);
  const tap = await cli(['scenario', 'run', bad, '--tap', '--seed', '7']);
  t.match(tap, { code: 1, out: /^TAP version 14\n1\.\.1\n# Subtest: bad \(virtual, seed 7, / });
  const json = await cli(['scenario', 'run', good, '--json']);
  t.match(JSON.parse(json.out), { passed: true, scenarios: [{ outcome: 'passed', rules: [{ name: 'hole' }] }] });
});

t.test('every mistake in every file is told before one is run', async (t) => {
  const folder = t.testdir({
    'good.yaml': GOOD,
    'empty.yaml': '',
    'wrong.yaml': GOOD.replace('at: 10s', 'at: 10 s, sedd: 1'),
  });
  const files = ['good', 'empty', 'wrong'].map((name) => join(folder, `${name}.yaml`));
  for (const command of ['run', 'check']) {
    const { code, out, err } = await cli(['scenario', command, ...files]);
    t.equal(code, 2);
    t.equal(out, '');
    t.match(err, /empty\.yaml(:1:1)?: The file is empty/);
    t.match(err, /wrong\.yaml:3:\d+ timeline\[1\]\.sedd: "sedd" is not a key here/);
  }
  t.match(await cli(['scenario', 'check', files[0]!]), {
    code: 0,
    out: /good\.yaml: valid \(virtual, 10s, 2 expectations\)\n/,
  });
  t.match(await cli(['scenario', 'check', join(folder, 'none.yaml')]), {
    code: 2,
    err: /none\.yaml cannot be read[\s\S]*docs\/how-to\/write-a-scenario\.md/,
  });
});

t.test('a wrong command line is told', async (t) => {
  const file = join(t.testdir({ 'good.yaml': GOOD }), 'good.yaml');
  t.match(await cli(['scenario', 'run']), { code: 2, err: /Missing required positional argument/ });
  t.match(await cli(['scenario', 'run', file, '--json', '--tap']), { code: 2, out: /exclude each other/ });
  t.match(await cli(['scenario', 'run', file, '--seed', '-1']), { code: 2 });
  t.match(await cli(['scenario', 'run', file, '--seed', '1e3']), { code: 2, err: /is not a whole number/ });
  t.match(await cli(['scenario', 'run', file, '--junti', 'x']), { code: 2, err: /Did you mean --junit/ });
  t.match(await cli(['scenario', 'run', file, '--junit', '/no/such/folder/x.xml']), {
    code: 2,
    err: /cannot be written/,
  });
});

t.test('the JSON Schema for editors is printed', async (t) => {
  const { code, out } = await cli(['scenario', 'schema']);
  t.equal(code, 0);
  t.match(JSON.parse(out), { title: 'Tunnelite scenario', required: ['timeline', 'expect'] });
});
