import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { type Baseline, baselineOf } from '../../scripts/mutation/baseline.ts';
import { reachedBy, reaches } from '../../scripts/mutation/coverage.ts';
import { importGraph } from '../../scripts/mutation/import-graph.ts';
import { mutantsOf } from '../../scripts/mutation/mutants.ts';
import { linesOf, type MutationReport, reportOf, scoreOf, takenUp } from '../../scripts/mutation/report.ts';
import { runTest } from '../../scripts/mutation/run-test.ts';
import { copyTree } from '../../scripts/mutation/tree-copy.ts';
import { Trials } from '../../scripts/mutation/trial.ts';

const SOURCE = `/** What may be had. */
export function mayHave(age: number, asked: boolean): boolean {
  if (age < 18) return false;
  return asked;
}
export function unused(count: number): number {
  for (let i = 0; i < count; i++) count--;
  return count;
}
`;

const ADULTS = `import { mayHave } from '../src/age.ts';
console.log('TAP version 14');
if (!mayHave(18, true)) { console.log('not ok 1 - adults may'); process.exit(1); }
`;

const CHILDREN = `import { mayHave } from '../src/age.ts';
if (mayHave(17, true)) { console.log('    not ok 1 - children may not'); process.exit(1); }
`;

/** Processes are looked at in /proc. */
const LINUX = { skip: process.platform === 'linux' ? false : 'needs /proc' };

/** A repository of one source file and its tests. */
function tree(t: Test, tests: Record<string, string>): string {
  const root = t.testdir({
    src: { 'age.ts': SOURCE, 'other.ts': 'export const other = 1;' },
    test: { support: { 'code-cache.js': '' }, ...tests },
    'package.json': '{"type":"module"}',
  });
  symlinkSync(join(import.meta.dirname, '../../node_modules'), join(root, 'node_modules'));
  return root;
}

async function baselines(t: Test, root: string, copy: string, tests: readonly string[]): Promise<Baseline[]> {
  const found: Baseline[] = [];
  for (const test of tests) {
    const cache = join(root, '.tap/mutate');
    found.push(await baselineOf({ test, root: copy, cache, graph: importGraph(root), limit: 60_000 }));
  }
  for (const { passed, because, test } of found) t.ok(passed, `${test}: ${because}`);
  return found;
}

t.test('a mutant is killed by a test that reaches it and fails, and survives where none does', async (t) => {
  const root = tree(t, { 'adults.test.ts': ADULTS, 'children.test.ts': CHILDREN });
  using copy = copyTree(root);
  const tests = ['test/adults.test.ts', 'test/children.test.ts'];
  const known = await baselines(t, root, copy.root, tests);
  const outcomes = async (trials: Trials) => {
    const verdicts = [];
    for (const mutant of mutantsOf('src/age.ts', SOURCE)) verdicts.push(await trials.try(mutant, copy));
    return verdicts;
  };
  const verdicts = await outcomes(new Trials(known, 60_000));
  const of = (from: string, to: string) =>
    verdicts.find(({ mutant }) => mutant.from === from && mutant.to === to && mutant.line < 5);
  t.match(of('age < 18', 'true'), { killed: true, by: 'test/adults.test.ts', because: 'adults may' });
  t.match(of('age < 18', 'false'), { killed: true, by: 'test/children.test.ts', because: 'children may not' });
  t.match(of('<', '<='), { killed: true, by: 'test/adults.test.ts' });
  t.match(of('false', 'true'), { killed: true, by: 'test/children.test.ts' });
  const beyond = verdicts.filter(({ mutant }) => mutant.line > 5);
  t.ok(beyond.length > 3);
  t.ok(
    beyond.every(({ killed, tried }) => !killed && tried === 0),
    'what no test reaches costs no test',
  );
  t.equal(readFileSync(join(copy.root, 'src/age.ts'), 'utf8'), SOURCE, 'the copy is as it was');
  t.equal(readFileSync(join(root, 'src/age.ts'), 'utf8'), SOURCE, 'the tree was never touched');

  const adultsOnly = await outcomes(new Trials(known.slice(0, 1), 60_000));
  const left = adultsOnly.filter(({ mutant, killed }) => mutant.line < 5 && !killed).map(({ mutant }) => mutant.to);
  t.strictSame(
    left,
    ['false', '18000', 'true'].filter((to) => left.includes(to)),
    'a weaker suite leaves some',
  );
  t.ok(left.includes('false'));

  const report = reportOf(verdicts, [{ ...beyond[0]!.mutant, why: 'not used' }], 7);
  t.match(report.folders, [{ folder: 'src', equivalent: 1, survivors: beyond.length - 1, mutants: verdicts.length }]);
  t.equal(scoreOf(report.folders[0]!), (100 * (verdicts.length - beyond.length)) / (verdicts.length - 1));
  t.match(linesOf(report).join('\n'), /src\/age\.ts:7 .*\(0 tests passed\)/);
  t.notOk(JSON.stringify(report).includes('What may be had'), 'a report holds no whole files');
});

t.test('an interrupted run is taken up where it ended', async (t) => {
  const all = mutantsOf('src/age.ts', SOURCE);
  const verdict = (mutant: (typeof all)[number], killed: boolean) => ({ mutant, killed, tried: 1, untried: 0 });
  const first = reportOf([verdict(all[2]!, true), verdict(all[0]!, false), verdict(all[3]!, false)], [], 7);
  const written = JSON.parse(JSON.stringify(first)) as MutationReport;

  const chosen = all.slice(0, 3);
  const { kept, left } = takenUp(chosen, written.mutants);
  t.strictSame(left, [all[1]], 'what was tried is not tried again');
  const whole = reportOf([verdict(all[1]!, true)], [{ ...all[0]!, why: 'judged since' }], 7, kept);
  t.strictSame(
    whole.mutants.map(({ code, to, outcome }) => ({ code, to, outcome })),
    [
      { code: all[0]!.code, to: all[0]!.to, outcome: 'equivalent' },
      { code: all[2]!.code, to: all[2]!.to, outcome: 'killed' },
      { code: all[1]!.code, to: all[1]!.to, outcome: 'killed' },
    ],
    'what it was not asked for is left out, and a survivor that was judged since is equivalent',
  );
  t.match(whole.folders, [{ folder: 'src', mutants: 3, killed: 2, equivalent: 1, survivors: 0 }]);
  const twice = mutantsOf('src/age.ts', `${SOURCE}\n${SOURCE.replace('mayHave', 'mayAlso')}`);
  const same = twice.filter(({ code, to }) => code === 'if (age < 18) return false;' && to === 'false');
  t.equal(same.length, 2);
  t.match(
    takenUp(same, reportOf([verdict(same[0]!, true)], [], 7).mutants),
    { left: [same[1]!] },
    'a line that is there twice',
  );
  t.strictSame(takenUp(chosen, []), { kept: [], left: chosen }, 'without a report, everything is left');
});

t.test('a test that hangs on a mutant has killed it', async (t) => {
  const loop = `import { unused } from '../src/age.ts';
if (unused(3) !== 1) process.exit(1);
`;
  const root = tree(t, { 'loop.test.ts': loop });
  using copy = copyTree(root);
  const [known] = await baselines(t, root, copy.root, ['test/loop.test.ts']);
  const endless = { ...mutantsOf('src/age.ts', SOURCE)[0]!, start: SOURCE.indexOf('count--') };
  const text = SOURCE.replace('count--', 'count++');
  const trials = new Trials([{ ...known!, took: -9_000 / 4 }], 60_000);
  t.match(await trials.try({ ...endless, text }, copy), { killed: true, because: /^did not end within 1000 ms$/ });
});

t.test(
  'the end of a test is told by its first failed assertion, and what it started ends with it',
  LINUX,
  async (t) => {
    const root = tree(t, {
      'child.test.ts': `import { spawn } from 'node:child_process';
const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
console.log('not ok 3 - pid ' + child.pid);
process.exit(1);
`,
      'crash.test.ts': `console.error('boom');\nprocess.exit(3);\n`,
    });
    const child = await runTest({ root, test: 'test/child.test.ts', limit: 60_000 });
    t.match(child, { outcome: 'failed', because: /^pid \d+$/ });
    const pid = Number(child.because.slice(4));
    // Ended, and perhaps not taken note of yet by whoever inherits it.
    const gone = (): boolean => {
      try {
        return /State:\s+[ZX]/.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
      } catch {
        return true;
      }
    };
    const patience = performance.now() + 30_000;
    while (!gone() && performance.now() < patience) await new Promise(setImmediate);
    t.ok(gone(), 'the child has ended');
    t.match(await runTest({ root, test: 'test/crash.test.ts', limit: 60_000 }), { outcome: 'failed', because: 'boom' });
  },
);

t.test('what is known of a test is kept until a file changes that it needs', async (t) => {
  const root = tree(t, { 'adults.test.ts': ADULTS });
  const needs = importGraph(root);
  t.strictSame([...needs.closure('test/adults.test.ts')].sort(), ['src/age.ts', 'test/adults.test.ts']);
  const print = needs.fingerprint('test/adults.test.ts');
  using same = copyTree(root);
  t.equal(importGraph(same.root).fingerprint('test/adults.test.ts'), print);
  same.write('src/other.ts', 'export const other = 2;');
  t.equal(importGraph(same.root).fingerprint('test/adults.test.ts'), print);
  same.write('src/age.ts', `${SOURCE}\n`);
  t.not(importGraph(same.root).fingerprint('test/adults.test.ts'), print);
});

t.test('a program that a test starts by its path is one that it needs', async (t) => {
  const root = tree(t, { 'started.test.ts': `run('src/age.ts');` });
  t.ok(importGraph(root).closure('test/started.test.ts').has('src/age.ts'));
});

t.test('coverage of several processes adds up, and the innermost range counts', async (t) => {
  const range = (startOffset: number, endOffset: number, count: number) => ({ startOffset, endOffset, count });
  const script = (...ranges: object[]) => ({ url: 'file:///r/src/a.ts', functions: [{ ranges }] });
  const folder = t.testdir({
    'one.json': JSON.stringify({ result: [script(range(0, 100, 1), range(10, 50, 0), range(20, 30, 2))] }),
    'two.json': JSON.stringify({
      result: [script(range(0, 100, 1), range(10, 50, 0), range(40, 45, 1)), { url: 'node:fs', functions: [] }],
    }),
  });
  const reached = reachedBy(folder, '/r');
  const at = (offset: number): boolean => reaches(reached, 'src/a.ts', offset);
  t.strictSame([0, 9, 10, 19, 20, 29, 30, 40, 44, 45, 50, 99, 100].map(at), [
    ...[true, true, false, false, true, true, false],
    ...[true, true, false, true, true, false],
  ]);
  t.equal(reaches(reached, 'src/b.ts', 0), false);
});
