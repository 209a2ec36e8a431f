import fc from 'fast-check';
import t from 'tap';
import { checkTimeout, durationText, MAX_DURATION, parseDuration } from '../../src/lib/duration.ts';

for (const [text, milliseconds] of [
  ['3600s', 3_600_000],
  ['90m', 5_400_000],
  ['1h30m', 5_400_000],
  ['1h 30m', 5_400_000],
  [' 2d ', 172_800_000],
  ['500ms', 500],
  ['1s500ms', 1500],
  ['1.5h', 5_400_000],
  ['1w', 604_800_000],
  ['10y', 315_360_000_000],
  ['0s', 0],
  [90_000, 90_000],
  [0, 0],
  [1.4, 1],
] as const) {
  t.test(`${text} is ${milliseconds} ms`, async (t) => {
    t.equal(parseDuration(text), milliseconds);
  });
}

for (const [value, message] of [
  ['', /is not a duration/],
  ['   ', /is not a duration/],
  ['soon', /“soon” is not a duration/],
  ['-5s', /is not a duration/],
  ['5 minutes', /is not a duration/],
  ['30m1h', /is not a duration/],
  ['1h1h', /is not a duration/],
  ['1h!', /is not a duration/],
  ['1e3s', /is not a duration/],
  [`${'1'.repeat(100)}s`, /is not a duration/],
  ['3600', /has no unit: write “3600s” for seconds or “3600ms” for milliseconds/],
  [-1, /cannot be -1/],
  [Number.NaN, /cannot be NaN/],
  [Number.POSITIVE_INFINITY, /cannot be Infinity/],
  ['101y', /“101y” is too long: the maximum is 100 years/],
  [MAX_DURATION + 1, /too long/],
  ['\u001b[31m5', /is not a duration/],
] as const) {
  t.test(`${JSON.stringify(value)} is refused, and the message says why`, async (t) => {
    t.throws(() => parseDuration(value), { code: 'ERR_DURATION_INVALID', message, hint: /1h30m/ });
    t.throws(() => parseDuration(value), { message: /^[^\u001b]*$/ }, 'and is printable');
  });
}

t.test('what is neither a text nor a number is refused, and so is a time to wait that is none', async (t) => {
  for (const value of [null, undefined, {}, [], 5n]) {
    t.throws(() => parseDuration(value as unknown as string), {
      code: 'ERR_DURATION_INVALID',
      message: /is a string or a number/,
    });
  }
  for (const value of [Number.NaN, -1, '5', null]) {
    t.throws(() => checkTimeout(value as number), {
      code: 'ERR_DURATION_INVALID',
      message: /a number of milliseconds, 0 or more/,
    });
  }
  t.equal(checkTimeout(Number.POSITIVE_INFINITY), Number.POSITIVE_INFINITY);
});

t.test('a duration as text reads back as the same', async (t) => {
  fc.assert(fc.property(fc.integer({ min: 0, max: MAX_DURATION }), (ms) => parseDuration(durationText(ms)) === ms));
  t.equal(durationText(5_400_000), '1h30m');
  t.equal(durationText(0), '0s');
  t.equal(durationText(-90_000), '-1m30s');
});

t.test('reading costs and throws nothing else, whatever the text', async (t) => {
  const judge = (): void =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9.ymwdhs ]{0,80}$/)), (text) => {
        try {
          const ms = parseDuration(text);
          return Number.isInteger(ms) && ms >= 0 && ms <= MAX_DURATION;
        } catch (error) {
          return (error as { code?: string }).code === 'ERR_DURATION_INVALID';
        }
      }),
    );
  t.doesNotThrow(judge);
});
