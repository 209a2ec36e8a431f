import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { XMLParser } from 'fast-xml-parser';
import t from 'tap';
import type { Comparison, LoadResult } from '../../src/load/index.ts';
import { cli, spawnCli } from '../support/cli.ts';
import { loadResult } from '../support/load-results.ts';
import { atOnce } from '../support/start-at.ts';

/* Several processes that run a plan together, and what is done with their results, as a person does it. */

t.setTimeout(300_000);

const PLAN = `name: shared
clients: 6
traffic: { every: 200ms }
lag: 1h
phases:
  - { phase: login storm, for: 3s, until: done, arrivals: { constant: 6 } }
  - { phase: steady, for: 1s, thresholds: [requests.answered > 0] }
thresholds: [login.done == 6]
`;

t.test('two workers begin when they are told to, and their results are merged and judged', async (t) => {
  const folder = t.testdir({ 'plan.yaml': PLAN });
  const path = (name: string) => join(folder, name);
  const env = { TUNNELITE_CERTS_DIRECTORY: path('certs') };
  const ports = ['gateway', 'identity', 'admin'].flatMap((name) => ['--set', `${name}.port=0`]);
  const started = spawnCli(['start', ...ports], { env });
  t.teardown(() => started.child.kill('SIGKILL'));
  await started.waitFor(/^Ready: /m);
  const { startAt, ended } = await atOnce((startAt) =>
    Promise.all(
      [1, 2].map((index) => {
        const options = ['--worker', `${index}/2`, '--start-at', startAt, '--out', path(`${index}.json`)];
        return spawnCli(['load', path('plan.yaml'), ...options], { env }).ended;
      }),
    ),
  );
  for (const [i, { code, out, err }] of ended.entries()) {
    t.equal(code, 0, err);
    t.match(err, `The run begins at ${startAt}.`);
    t.match(out, new RegExp(`worker ${i + 1} of 2, 3 of 6 clients`));
    const { meta, totals, thresholds } = JSON.parse(readFileSync(path(`${i + 1}.json`), 'utf8')) as LoadResult;
    t.match(meta, { worker: { index: i + 1, of: 2 }, startedAt: startAt, plan: { clients: 6 } });
    t.strictSame([totals.counters['login.done'], thresholds], [3, []]);
  }
  const [whole, junit, page] = [path('whole.json'), path('junit.xml'), path('report.html')];
  const outputs = ['--out', whole, '--junit', junit, '--html', page];
  const merged = await cli(['load', 'merge', path('1.json'), path('2.json'), ...outputs]);
  t.match(readFileSync(page, 'utf8'), '<h1>shared</h1><span class="outcome passed">');
  t.equal(merged.code, 0, merged.out + merged.err);
  t.match(merged.out, /^shared: passed\n {2}6 clients to .*\n {2}2 workers, merged\n/);
  const result = JSON.parse(readFileSync(whole, 'utf8')) as LoadResult;
  t.equal(result.totals.counters['login.done'], 6);
  t.match(new XMLParser({ ignoreAttributes: false }).parse(readFileSync(junit, 'utf8'), true).testsuites, {
    '@_tests': '5',
    '@_failures': '0',
  });
  const shown = await cli(['load', 'show', whole]);
  t.strictSame([shown.code, shown.out], [0, merged.out]);
  const compared = await cli(['load', 'compare', whole, whole, '--tolerance', '5%']);
  t.equal(compared.code, 0);
  t.match(compared.out, /Nothing is worse by more than 5 %/);
});

t.test('the exit code of a comparison follows from the tolerance', async (t) => {
  const folder = t.testdir();
  const file = (name: string, result: LoadResult): string => {
    writeFileSync(join(folder, name), JSON.stringify(result));
    return join(folder, name);
  };
  const a = file('a.json', loadResult({ fallbacks: [2000, 4000] }));
  const b = file('b.json', loadResult({ fallbacks: [2000, 8000] }));
  const late = file('late.json', loadResult({ fallbacks: [2000, 4000], late: true }));
  const code = async (...args: string[]): Promise<number> => (await cli(['load', 'compare', ...args])).code;
  t.equal(await code(a, b), 0, 'it is but shown');
  t.equal(await code(a, b, '--tolerance', '10%'), 1);
  t.equal(await code(b, a, '--tolerance', '10%'), 0, 'better is not worse');
  t.equal(await code(a, b, '--tolerance', '10', '--figure', 'fallback.p50'), 0);
  t.equal(await code(a, late, '--tolerance', '10%'), 1, 'a run that proves nothing is no success');
  const { out } = await cli(['load', 'compare', a, b, '--tolerance', '10%', '--figure', 'fallback', '--json']);
  const comparison = JSON.parse(out) as Comparison;
  t.match(comparison, { tolerance: 0.1, worse: 2, a: { file: a }, b: { file: b } });
});

t.test('what makes no sense is told before anything begins', async (t) => {
  const folder = t.testdir({ 'plan.yaml': PLAN, 'a.json': JSON.stringify(loadResult()), 'odd.json': '[]' });
  const [plan, a, odd] = ['plan.yaml', 'a.json', 'odd.json'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const [args, words] of [
    [['load', plan, '--worker', '0/2'], /"--worker 0\/2" is not a worker[\s\S]*such as 2\/4/],
    [['load', plan, '--worker', '3/2'], /is not a worker/],
    [['load', plan, '--worker', '1/7'], /some of 7 workers would have no client/],
    [['load', plan, '--server', 'a:1', '--token-file', 'x', '--start-at', 'soon'], /"--start-at soon" is not a time/],
    [['load', plan, '--junit', folder], /of --junit cannot be written.*it is a folder/],
    [['load', plan, '--out', join(folder, 'no/a.json')], /of --out cannot be written/],
    [['load', 'show', odd], /odd\.json: This is not a result of a load test/],
    [['load', 'merge'], /Missing required positional argument/],
    [['load', 'merge', a], /is the result of a whole run/],
    [['load', 'merge', odd], /odd\.json: This is not a result of a load test/],
    [['load', 'compare', a], /Missing required positional argument/],
    [['load', 'compare', a, odd], /odd\.json: This is not a result/],
    [['load', 'compare', a, a, '--tolerance', 'some'], /is not a percentage/],
    [['load', 'compare', a, a, '--figure', 'falback'], /no figure "falback"[\s\S]*Did you mean fallback/],
  ] as const) {
    const { code, err } = await cli([...args]);
    t.match(err, words, args.join(' '));
    t.equal(code, 2, args.join(' '));
  }
  const old = await cli(['load', plan, '--server', '127.0.0.1:1', '--token-file', 'x', '--start-at', '1000000000']);
  t.match(old, { code: 2, err: /was \d+ s ago by this machine.s clock/ });
});
