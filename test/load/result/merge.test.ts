import t from 'tap';
import { type LoadResult, mergeResults, resultText } from '../../../src/load/index.ts';
import { loadResult, type MadeUp } from '../../support/load-results.ts';

const worker = (index: number, of: number, made: MadeUp = {}): LoadResult =>
  loadResult({ ...made, worker: { index, of } });
const merge = (...results: readonly LoadResult[]): LoadResult =>
  mergeResults(results.map((result, i) => ({ file: `${i + 1}.json`, result })));

t.test('counters add up, histograms are those of all, and the thresholds of the plan are judged', async (t) => {
  const made = { thresholds: ['fallback.p99 < 5s', 'login.done == 4'], phaseThresholds: ['fallback.done == 4'] };
  const [one, other] = [
    worker(1, 2, { ...made, fallbacks: [1000, 2000, 3000], refusals: ['full', 'odd'] }),
    worker(2, 2, { ...made, fallbacks: [9000], refusals: ['full'], lost: 3, startedAt: '2030-01-31T12:00:00.400Z' }),
  ];
  t.strictSame(one.thresholds, [], 'a worker is not judged alone');
  const whole = merge(other, one);
  const { counters, times, refusals } = whole.totals;
  t.match(counters, { 'login.done': 4, 'fallback.cut': 4, 'requests.lost': 3, 'requests.scheduled': 400, refusals: 3 });
  t.strictSame(refusals, { full: 2, odd: 1 });
  t.equal(times.fallback!.count, 4);
  t.equal(times.fallback!.sum, 15_000_000);
  const all = loadResult({ fallbacks: [1000, 2000, 3000, 9000] }).totals.times;
  for (const name of ['min', 'p50', 'p90', 'p99', 'max'] as const) {
    t.ok(Math.abs(times.fallback![name] - all.fallback![name]) <= all.fallback![name] / 1000, name);
  }
  t.equal(whole.phases[1]!.measures.times.fallback!.count, 4);
  t.match(
    whole.thresholds.map(({ threshold, passed, phase }) => [threshold, passed, phase]),
    [
      ['fallback.done == 4', true, 'udp blackout'],
      ['login.done > 0', true, undefined],
      ['fallback.p99 < 5s', false, undefined],
      ['login.done == 4', true, undefined],
    ],
  );
  t.equal(whole.outcome, 'failed');
  t.equal(whole.meta.worker, undefined);
  t.match(whole.meta, { startedAt: '2030-01-31T12:00:00.000Z', workers: [{ index: 1 }, { index: 2 }] });
  t.match(resultText(whole), /6 clients to https:\/\/gateway\.example:8443\/.*\n.*2 workers/);
  t.match(resultText(one), /worker 1 of 2, 3 of 6 clients/);
});

t.test('series add up, point by point', async (t) => {
  const gateway = { cpu: 1, rss: 1e8 };
  const { series, gateway: usage } = merge(
    worker(1, 2, { fallbacks: [1000] }),
    worker(2, 2, { fallbacks: [3000], gateway }),
  );
  t.strictSame(series.clients.dtls, [2, 2, 2, 2, 2]);
  t.strictSame(series.requests.scheduled, [40, 40, 40, 40, 40]);
  t.strictSame(series.generator.cpu, [1, 1, 1, 1, 1]);
  t.strictSame(series.generator.loopDelay, [3, 3, 3, 3, 3]);
  t.ok(Math.abs(series.roundtrip.max[0]! - 3000) < 5 && Math.abs(series.roundtrip.p50[0]! - 1000) < 5);
  t.equal(series.gateway!.cpu.length, series.t.length);
  t.equal(usage!.cpu, 1);
});

t.test(
  'a worker that is missing, or began at another time, makes it invalid, and so does one that was late',
  async (t) => {
    const missing = merge(worker(1, 3), worker(3, 3));
    t.equal(missing.outcome, 'invalid');
    t.match(missing.validity.reasons, [/Of 3 workers number 2 is missing/]);
    const apart = merge(worker(1, 2), worker(2, 2, { startedAt: '2030-01-31T12:00:09Z' }));
    t.match(apart.validity, { valid: false, reasons: [/up to 9\.0 s apart/] });
    t.match(merge(worker(1, 2), worker(2, 2, { late: true })).validity.reasons, [/^Worker 2: In the phase/]);
    t.equal(merge(worker(1, 2), worker(2, 2, { interrupted: true })).outcome, 'interrupted');
  },
);

t.test('results that do not belong together are refused, with what is different', async (t) => {
  const refused = (words: RegExp, ...results: readonly LoadResult[]) =>
    t.throws(() => merge(...results), { code: 'ERR_LOAD_RESULT', message: words }, String(words));
  refused(/nothing to merge/);
  refused(/1\.json is the result of a whole run/, loadResult());
  refused(/1\.json is the result of several workers already/, merge(worker(1, 1)));
  refused(/1\.json and 2\.json are both from worker 1/, worker(1, 2), worker(1, 2));
  refused(/1\.json is from a run with 2 workers, 2\.json from one with 3/, worker(1, 2), worker(2, 3));
  refused(/did not run the same plan: they differ in clients, seed/, worker(1, 2), {
    ...worker(2, 2, { plan: { clients: 7 } }),
    meta: { ...worker(2, 2, { plan: { clients: 7 } }).meta, seed: 9 },
  });
  refused(/Tunnelite 0\.1\.0, 2\.json from 9/, worker(1, 2), {
    ...worker(2, 2),
    meta: { ...worker(2, 2).meta, tunnelite: '9' },
  });
  const other = worker(2, 2);
  const [storm, blackout] = other.phases;
  refused(/The phase 1 of 2\.json is “udp blackout”/, worker(1, 2), { ...other, phases: [blackout!, storm!] });
});

t.test('workers may have users and addresses of their own', async (t) => {
  const whole = merge(worker(1, 2), worker(2, 2, { plan: { token: { file: 'other' }, source: '127.2.0.0/16' } }));
  t.equal(whole.outcome, 'passed');
});
