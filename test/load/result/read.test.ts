import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import t from 'tap';
import { isTunneliteError } from '../../../src/lib/errors.ts';
import {
  compareResults,
  comparisonText,
  type LoadResult,
  loadJunitXml,
  mergeResults,
  readResult,
  resultHtml,
  resultText,
  TimeHistogram,
} from '../../../src/load/index.ts';
import { checkResult } from '../../../src/load/result/read.ts';
import { loadResult } from '../../support/load-results.ts';

/* Files that others may have written. */

t.setTimeout(120_000);

/** A copy with another value in one place; undefined: without it. */
function withChange(result: LoadResult, path: readonly (string | number)[], value: unknown): LoadResult {
  const copy = structuredClone(result);
  let at = copy as unknown as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) at = at[key] as Record<string | number, unknown>;
  at[path.at(-1)!] = value;
  return copy;
}

t.test('what was written is read again, and members that are not known are refused', async (t) => {
  const file = join(t.testdir(), 'a.json');
  const result = loadResult({ gateway: { cpu: 1, rss: 1e8 } });
  writeFileSync(file, JSON.stringify(result));
  t.strictSame(readResult(file), result);
  writeFileSync(file, JSON.stringify({ ...result, later: true }));
  t.throws(() => readResult(file), { code: 'ERR_LOAD_RESULT', message: /a\.json: later/ });
});

t.test('what is no result is refused with its file, and with what is wrong', async (t) => {
  const folder = t.testdir();
  const refused = (name: string, text: string, words: RegExp) => {
    const file = join(folder, name);
    writeFileSync(file, text);
    t.throws(() => readResult(file), { code: 'ERR_LOAD_RESULT', message: words }, name);
  };
  const result = loadResult();
  const changed = (path: string, value?: unknown): string => JSON.stringify(withChange(result, path.split(' '), value));
  refused('empty.json', '', /empty\.json: This is not JSON/);
  refused('other.json', '{"format":"other"}', /not a result of a load test/);
  refused('null.json', 'null', /not a result of a load test/);
  refused('error.json', '{"error":{"code":"ERR_X","message":"nobody is there"}}', /has no result: nobody is there/);
  refused('version.json', changed('version', 2), /has version 2, and this program reads version 1/);
  refused('count.json', changed('totals counters login.done', -1), /totals\.counters\.login\.done: -1 is out of range/);
  refused('lacks.json', changed('meta plan'), /meta.*plan/);
  refused('column.json', changed('series t', [1, 2]), /series\.clients\.dtls and series\.t have different lengths/);
  refused('plan.json', changed('meta plan traffic', { every: '0s' }), /meta\.plan\.traffic\.every/);
  t.throws(() => readResult(join(folder, 'none.json')), { message: /none\.json: It cannot be read/ });
  t.throws(() => readResult(folder), { message: /cannot be read/ });
});

t.test('what a terminal would take for a command is spelled out', async (t) => {
  const result = withChange(loadResult(), ['totals', 'refusals'], { 'a\u001b[2J\nb': 3 });
  const named = withChange(result, ['meta', 'name'], 'one\u001b]0;two\u0007');
  t.throws(() => checkResult(named, 'a.json'), { message: /meta\.name: the string contains control characters/ });
  t.equal(checkResult(result, 'a.json').meta.name, 'test');
  const text = resultText(named);
  t.match(text, /^one\\u001b\]0;two\\u0007: passed$/m);
  t.match(text, /^ +3 {2}a\\u001b\[2J\\nb$/m);
  t.throws(() => checkResult(withChange(loadResult(), ['totals', 'refusals'], { 'a\nb': 'x' }), 'a.json'), {
    code: 'ERR_LOAD_RESULT',
  });
  const side = { file: 'a.json', result: named };
  t.notMatch(comparisonText(compareResults(side, side)), '\u001b');
});

t.test('a file without an end is not read', async (t) => {
  t.throws(() => readResult('/dev/zero'), { code: 'ERR_LOAD_RESULT', message: /it is not a file/ });
});

/** An encoded histogram, with the header that is asked for. */
function encoded(
  words: readonly number[],
  { digits = 3, highest = 86_400_000_000n, claimed = words.length } = {},
): string {
  const bytes = Buffer.alloc(40 + words.length);
  bytes.writeInt32BE(0x1c849313, 0);
  bytes.writeInt32BE(claimed, 4);
  bytes.writeInt32BE(digits, 12);
  bytes.writeBigInt64BE(1n, 16);
  bytes.writeBigInt64BE(highest, 24);
  bytes.set(words, 40);
  return packed(deflateSync(bytes));
}

function packed(body: Buffer): string {
  const head = Buffer.alloc(8);
  head.writeInt32BE(0x1c849314, 0);
  head.writeInt32BE(body.length, 4);
  return Buffer.concat([head, body]).toString('base64');
}

t.test('histograms that lie about themselves cost little and are refused', async (t) => {
  const decode = (hdr: string) => TimeHistogram.decode({ hdr, sum: 0 });
  t.equal(decode(encoded([2])).count, 1, 'one of nothing');
  for (const [name, hdr] of [
    ['no base64', '!!!'],
    ['empty', ''],
    ['a bomb', packed(deflateSync(Buffer.alloc(500_000_000)))],
    ['too long', 'A'.repeat(1_000_000)],
    ['not deflated', packed(Buffer.from('nonsense'))],
    ['other buckets', encoded([2], { digits: 5 })],
    ['endless buckets', encoded([2], { highest: 2n ** 62n })],
    ['longer than it is', encoded([2], { claimed: 1000 })],
    ['zeros without end', encoded([0xff, 0xff, 0xff, 0xff, 0x7f])],
    ['counts without end', encoded([0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])],
  ] as const) {
    t.throws(() => decode(hdr), Error, name);
  }
  const result = loadResult({ worker: { index: 1, of: 1 } });
  const place = ['phases', 1, 'measures', 'times', 'fallback', 'hdr'];
  const bad = withChange(result, place, encoded([2], { digits: 5 }));
  t.throws(() => mergeResults([{ file: 'bad.json', result: bad }]), {
    code: 'ERR_LOAD_RESULT',
    message: /bad\.json: in the phase “udp blackout”, a histogram has buckets other than/,
  });
  const series = withChange(result, ['series', 'lag', 'hdr', 2], 'x');
  t.throws(() => mergeResults([{ file: 'bad.json', result: series }]), { code: 'ERR_LOAD_RESULT', message: /series/ });
});

t.test('whatever is changed in a result, it is read and used, or refused', async (t) => {
  const result = loadResult({ worker: { index: 1, of: 1 }, gateway: { cpu: 1, rss: 1e8 } });
  const paths: (string | number)[][] = [];
  const walk = (value: unknown, path: (string | number)[]): void => {
    if (path.length > 0) paths.push(path);
    if (typeof value !== 'object' || value === null) return;
    // The first of a list stands for the others.
    for (const [key, inner] of Object.entries(value).slice(0, Array.isArray(value) ? 1 : undefined))
      walk(inner, [...path, Array.isArray(value) ? Number(key) : key]);
  };
  walk(result, []);
  const value = fc.oneof(fc.jsonValue(), fc.constantFrom(null, -1, 1e300, '', '<script>', [], {}, '\u0000'));
  fc.assert(
    fc.property(fc.constantFrom(...paths), value, (path, given) => {
      try {
        const read = checkResult(withChange(result, path, given), 'a.json');
        resultText(read);
        loadJunitXml(read);
        resultHtml(read);
        const side = { file: 'a.json', result: read };
        comparisonText(compareResults(side, { file: 'b.json', result }));
        resultText(mergeResults([side]));
      } catch (error) {
        if (!isTunneliteError(error, 'ERR_LOAD_RESULT')) throw error;
      }
    }),
    { numRuns: 100 },
  );
  t.ok(paths.length > 200);
});
