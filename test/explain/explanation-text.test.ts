import t from 'tap';
import type { Explanation, Finding } from '../../src/explain/explain.ts';
import { explanationText } from '../../src/explain/explanation-text.ts';
import { describeClient } from '../../src/explain/visit/client-kind.ts';
import { splitRemote } from '../../src/explain/visit/remote.ts';

const START = Date.UTC(2026, 0, 1, 12, 30, 5, 7);
const step = (i: number) => ({ seq: i, time: START + i * 1000, text: `step ${i}` });

const finding = (more: Partial<Finding> = {}): Finding => ({
  cause: 'token-expired',
  area: 'token',
  weight: 'fatal',
  title: 'The token has expired',
  what: 'It was good until noon.',
  why: 'Tokens do not last.',
  next: ['Get a new one.', 'See the clock.'],
  docs: ['docs/a.md', 'docs/b.md'],
  rule: undefined,
  overcome: false,
  times: 1,
  seq: 1,
  last: 1,
  ...more,
});

const explanation = (more: Partial<Explanation> = {}): Explanation => ({
  session: 'abc',
  address: '192.0.2.1',
  client: describeClient(undefined, undefined),
  outcome: 'failed',
  summary: 'No tunnel came about.',
  steps: [step(0)],
  stepsLeft: 0,
  findings: [],
  findingsLeft: 0,
  lost: 0,
  ...more,
});

t.test('what happened is told with the times, and no more than there is', async (t) => {
  t.equal(
    explanationText(explanation()),
    ['No tunnel came about.', '', 'What happened', '  12:30:05.007  step 0', ''].join('\n'),
  );
});

t.test('each finding has its number, cause, reason and what to do next', async (t) => {
  const findings = [
    finding(),
    finding({ cause: 'dtls-late', title: 'DTLS was late', times: 3, overcome: true, weight: 'trouble' }),
    finding({ cause: 'hint', title: 'A hint', overcome: true, weight: 'note' }),
  ];
  const text = explanationText(explanation({ findings, findingsLeft: 2 }));
  t.match(
    text,
    [
      'Findings',
      '',
      '   1. The token has expired (token-expired)',
      '      It was good until noon.',
      '      Why: Tokens do not last.',
      '      → Get a new one.',
      '      → See the clock.',
      '      More: docs/a.md, docs/b.md',
      '',
      '   2. DTLS was late (dtls-late, 3 times, resolved)',
    ].join('\n'),
  );
  t.match(text, '   3. A hint (hint)\n', 'a note is nothing to resolve');
  t.ok(text.endsWith('\n\n  … and 2 more\n'));
});

t.test('what was left out is told where it was', async (t) => {
  const steps = Array.from({ length: 50 }, (_, i) => step(i < 25 ? i : i + 7));
  const lines = explanationText(explanation({ steps, stepsLeft: 7, lost: 12 })).split('\n');
  t.equal(lines[2], '(Events up to #12 were dropped from the journal.)');
  const at = lines.indexOf('  … 7 more');
  t.match(lines[at - 1], /step 24$/);
  t.match(lines[at + 1], /step 32$/);
});

t.test('long texts are wrapped at words, under the beginning of the text', async (t) => {
  const word = 'x'.repeat(150);
  const what = `${'words '.repeat(40)}${word} end`;
  const lines = explanationText(explanation({ findings: [finding({ what })] })).split('\n');
  const own = lines.filter((line) => /words|xxx|end$/.test(line));
  t.ok(own.length > 3);
  for (const line of own) {
    t.match(line, /^ {6}\S/);
    t.ok(line.length <= 110 || line.trim() === word, `${line.length}`);
  }
});

t.test('a remote endpoint is an address, and a port where there is one', async (t) => {
  t.strictSame(splitRemote('192.0.2.1:5000'), { address: '192.0.2.1', port: 5000 });
  t.strictSame(splitRemote('192.0.2.1'), { address: '192.0.2.1', port: 0 });
  t.strictSame(splitRemote('[2001:db8::1]:5000'), { address: '2001:db8::1', port: 5000 });
  t.strictSame(splitRemote('[2001:DB8:0::1]'), { address: '2001:db8::1', port: 0 });
  t.strictSame(splitRemote('2001:db8::1'), { address: '2001:db8::1', port: 0 });
  t.strictSame(splitRemote('an unknown address'), { address: 'an unknown address', port: 0 });
});

t.test('a client is known by its User-Agent, or by its TLS library', async (t) => {
  const kinds: [string | undefined, string | undefined, string, string][] = [
    [undefined, undefined, 'unknown', 'a client that did not identify itself'],
    [undefined, 'GnuTLS', 'unknown', 'a client that uses GnuTLS'],
    ['Open AnyConnect VPN Agent v9.12', 'GnuTLS', 'openconnect', 'openconnect 9.12 (GnuTLS)'],
    ['AnyConnect-compatible OpenConnect VPN Agent v9.12', undefined, 'openconnect', 'openconnect 9.12'],
    ['AnyConnect Windows 4.10.0', undefined, 'anyconnect', 'Cisco AnyConnect 4.10.0'],
    ['MobileAccess', undefined, 'other', 'a Microsoft Tunnel client'],
    ['curl/8.5.0', undefined, 'curl', 'curl 8.5.0'],
    ['Mozilla/5.0 (X11) Firefox/130.0', undefined, 'browser', 'a browser 130.0'],
    ['Mozilla/4.0', undefined, 'browser', 'a browser'],
    ['my-client', 'OpenSSL', 'other', 'a client with the User-Agent “my-client” (OpenSSL)'],
    ['y'.repeat(200), undefined, 'other', `a client with the User-Agent “${'y'.repeat(120)}…”`],
  ];
  for (const [agent, library, kind, name] of kinds) {
    const described = describeClient(agent, library);
    t.strictSame([described.kind, described.name], [kind, name], agent ?? 'none');
  }
});
