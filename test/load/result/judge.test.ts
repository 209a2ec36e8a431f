import t from 'tap';
import { judge, timeText } from '../../../src/load/result/judge.ts';
import { Tally } from '../../../src/load/result/tally.ts';

const tally = new Tally();
for (const ms of [1000, 2000, 11_000]) tally.record('fallback', ms);
tally.count('requests.scheduled', 200);
tally.count('requests.lost', 10);
const measures = tally.result();

t.test('thresholds hold or not, with the actual value', async (t) => {
  for (const [text, passed, actual] of [
    ['fallback.p99 < 12s', true, '11 s'],
    ['fallback.p99 < 11s', false, '11 s'],
    ['fallback.count == 3', true, '3'],
    ['fallback.count == 4', false, '3'],
    ['flows.broken == 0', true, '0'],
    ['flows.broken != 0', false, '0'],
    ['requests.lost <= 5%', true, '5 %'],
    ['requests.lost < 5%', false, '5 %'],
    ['requests.lost >= 10', true, '10'],
    ['requests.lost > 10', false, '10'],
  ] as const) {
    const [result] = judge([text], measures);
    t.equal(result!.passed, passed, text);
    t.equal(result!.text, `${text}: ${actual}`);
    t.equal(result!.phase, undefined);
  }
});

t.test('what was not measured has not passed', async (t) => {
  for (const text of ['return.p99 < 1h', 'return.max > 0s', 'fallback.never <= 100%']) {
    const [result] = judge([text], measures, 'later');
    t.match(result, { passed: false, actual: null, phase: 'later', text: `${text}: nothing was measured` });
  }
});

t.test('times are in units that fit', async (t) => {
  t.strictSame([0, 650, 12_340, 4_123_456, 7_200_000_000].map(timeText), ['0 µs', '650 µs', '12.3 ms', '4.12 s', '2h']);
});
