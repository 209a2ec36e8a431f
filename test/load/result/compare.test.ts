import t from 'tap';
import { type Comparison, compareResults, comparisonText } from '../../../src/load/index.ts';
import { loadResult, type MadeUp } from '../../support/load-results.ts';

const compare = (a: MadeUp, b: MadeUp, tolerance?: number, only?: readonly string[]): Comparison =>
  compareResults({ file: 'a.json', result: loadResult(a) }, { file: 'b.json', result: loadResult(b) }, tolerance, only);

const verdictOf = ({ figures }: Comparison, name: string, phase?: string): string | undefined =>
  figures.find((one) => one.figure === name && one.phase === phase)?.verdict;

t.test('the same run is the same, and nothing of it is worse', async (t) => {
  const comparison = compare({ lost: 3, gateway: { cpu: 1, rss: 1e8 } }, { lost: 3, gateway: { cpu: 1, rss: 1e8 } });
  t.equal(comparison.worse, 0);
  t.ok(comparison.figures.length > 5);
  t.ok(comparison.figures.every(({ verdict, figure }) => verdict === (figure.startsWith('lag') ? 'unknown' : 'same')));
  t.strictSame([comparison.plans, comparison.reasons], [[], []]);
  t.match(comparisonText(comparison), /\nNothing is worse\.\n$/);
});

t.test('what takes longer is worse, and what is shorter better, beyond the tolerance', async (t) => {
  const [a, b] = [{ fallbacks: [2000, 2000, 10_000] }, { fallbacks: [2000, 2000, 15_000] }];
  const comparison = compare(a, b, 0.1);
  t.equal(verdictOf(comparison, 'fallback.p99'), 'worse');
  t.equal(verdictOf(comparison, 'fallback.p50'), 'same');
  t.equal(verdictOf(compare(b, a, 0.1), 'fallback.p99'), 'better');
  t.equal(verdictOf(compare(a, b, 0.6), 'fallback.p99'), 'same');
  const text = comparisonText(comparison);
  t.match(text, /^A {2}a\.json: test, 6 clients, 2030-01-31T12:00:00\.000Z, Tunnelite 0\.1\.0, passed$/m);
  t.match(text, /^ {2}fallback\.p99 +10 s +15 s +\+50 % {2}worse$/m);
  t.match(text, /figures are worse by more than 10 %\.\n$/);
});

t.test('a change that rounds to nothing has no sign', async (t) => {
  const comparison = compare({}, {}, 0, ['login.p50']);
  const shown = (change: number) =>
    comparisonText({ ...comparison, figures: comparison.figures.map((figure) => ({ ...figure, change })) });
  t.match(shown(0.0004), / {2}0 %$/m);
  t.match(shown(-0.0004), / {2}0 %$/m);
  t.match(shown(0.002), / \+0\.2 %$/m);
});

t.test('less than can be told apart is no difference: the request period, and the grain of timers', async (t) => {
  const comparison = compare({ fallbacks: [2000] }, { fallbacks: [2900] });
  t.equal(verdictOf(comparison, 'fallback.p50'), 'same', 'within the request period of a second');
  t.equal(verdictOf(comparison, 'login.p50'), 'worse', '20 ms and 29 ms');
  t.equal(verdictOf(compare({ fallbacks: [100] }, { fallbacks: [190] }), 'login.p50'), 'same', '1 ms and 1.9 ms');
});

t.test('counters are held against what they are a part of', async (t) => {
  const comparison = compare({ lost: 0 }, { lost: 10 }, 0.5);
  const lost = comparison.figures.find(({ figure, phase }) => figure === 'requests.lost' && phase === undefined);
  t.match(lost, { unit: 'share', a: 0, b: 0.05, change: null, verdict: 'worse' });
  t.match(comparisonText(comparison), /requests\.lost +0 % +5 % +new {2}worse/);
});

t.test('a phase is shown for what was measured in several', async (t) => {
  const { figures } = compare({}, {});
  const phases = (name: string) => figures.filter(({ figure }) => figure === name).map(({ phase }) => phase);
  t.strictSame(phases('roundtrip.dtls.p99'), [undefined, 'login storm', 'udp blackout']);
  t.strictSame(phases('fallback.p99'), [undefined]);
});

t.test('only what was asked for is compared', async (t) => {
  const names = (only: string[]) => [...new Set(compare({}, {}, 0, only).figures.map(({ figure }) => figure))];
  t.strictSame(names(['fallback']), ['fallback.p50', 'fallback.p90', 'fallback.p99']);
  t.strictSame(names(['fallback.p50', 'login.p99']), ['login.p99', 'fallback.p50']);
});

t.test('other plans, and results that prove nothing, are said', async (t) => {
  const comparison = compare({}, { plan: { clients: 9, name: 'other' }, late: true });
  t.strictSame(comparison.plans, ['clients']);
  t.match(comparison.reasons, [/^b\.json: In the phase .* late/]);
  t.match(comparisonText(comparison), /The plans differ in clients[\s\S]*Figures that do not measure the gateway/);
  t.match(compare({ interrupted: true }, {}).reasons, [/^a\.json: The run was interrupted/]);
});

t.test('what only one has measured is shown, and not judged', async (t) => {
  const comparison = compare({ gateway: { cpu: 1, rss: 1e8 } }, { fallbacks: [] });
  t.match(
    comparison.figures.find(({ figure }) => figure === 'gateway.cpu'),
    { a: 1, b: null, change: null, verdict: 'unknown' },
  );
  t.match(comparisonText(comparison), /gateway\.cpu +1\.00 s +– +–$/m);
});
