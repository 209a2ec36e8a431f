import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import t from 'tap';
import { createEventParser } from '../../src/dashboard/page/core/event-stream.js';
import { Filter, matcher } from '../../src/dashboard/page/core/filter.js';
import { bits, bytes, codeParts, count, plain, short, span, spelled } from '../../src/dashboard/page/core/format.js';
import { History } from '../../src/dashboard/page/core/history.js';
import { matching, Requests } from '../../src/dashboard/page/core/requests.js';
import { Ring } from '../../src/dashboard/page/core/ring.js';
import { command, curlOfEntry, curlToApi, word } from '../../src/dashboard/page/core/shell.js';
import { Reasons } from '../../src/dashboard/page/core/why.js';
import { rowsInView } from '../../src/dashboard/page/core/window.js';

const event = (seq: number, name: string, fields: Record<string, unknown> = {}, level = 'info') => ({
  seq,
  time: 1_000_000 + seq,
  name,
  level,
  text: `${name} ${JSON.stringify(fields)}`,
  fields,
});

t.test('server-sent events are the same however they are cut into pieces', async (t) => {
  const text =
    ': hello\n\nid: 1\ndata: {"a":1}\n\nevent: lost\ndata: {"before":7}\n\r\nid: 2\r\ndata: one\r\ndata:two\r\n\r\ndata\n\nid: 3\nretry: 5\n\n';
  const whole = createEventParser()(text);
  t.strictSame(whole, [
    { id: '1', event: 'message', data: '{"a":1}' },
    { id: '1', event: 'lost', data: '{"before":7}' },
    { id: '2', event: 'message', data: 'one\ntwo' },
    { id: '2', event: 'message', data: '' },
  ]);
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length }), { maxLength: 20 }), (cuts) => {
      const parse = createEventParser();
      const at = [...new Set([0, ...cuts, text.length])].toSorted((a, b) => a - b);
      const messages = at.slice(1).flatMap((end, i) => parse(text.slice(at[i], end)));
      t.strictSame(messages, whole);
    }),
    { numRuns: 50 },
  );
  t.throws(() => createEventParser()('x'.repeat(2 * 1024 * 1024)), /no end/, 'a message without an end is not kept');
});

t.test('a ring keeps the newest, and takes older ones only while there is room', async (t) => {
  const ring = new Ring<number>(80);
  for (let i = 0; i < 1000; i++) ring.push([i]);
  t.ok(ring.items.length <= 80 && ring.items.length >= 70);
  t.equal(ring.items.at(-1), 999);
  t.equal(ring.dropped + ring.items.length, 1000);
  ring.unshift([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  t.equal(ring.items.length, 80);
  ring.unshift([0]);
  t.equal(ring.items.length, 80);
  ring.push(Array.from({ length: 500 }, (_, i) => i));
  t.ok(ring.items.length <= 80);
  t.equal(ring.items.at(-1), 499);
});

t.test('rows in view are few, and cover the view, whatever the list', async (t) => {
  fc.assert(
    fc.property(
      fc.nat({ max: 200_000 }),
      fc.integer({ min: 10, max: 60 }),
      fc.double({ min: -100, max: 1e7, noNaN: true }),
      fc.nat({ max: 4000 }),
      (total, height, top, room) => {
        const { from, to, before, all } = rowsInView({ total, height, top, room });
        t.ok(from >= 0 && to <= total && from <= to);
        t.ok(to - from <= Math.ceil(room / height) + 1 + 2 * 8 + 1);
        t.equal(before, from * height);
        t.equal(all, total * height);
        if (top >= 0 && top + room <= all) t.ok(from * height <= top && to * height >= top + room);
      },
    ),
    { numRuns: 200 },
  );
});

t.test('values are read as people read them', async (t) => {
  t.strictSame(
    [bytes(0), bytes(999), bytes(1000), bytes(12_345), bytes(1.5e9), bytes(-1), bytes('x')],
    ['0 B', '999 B', '1.00 kB', '12.3 kB', '1.50 GB', '–', '–'],
  );
  t.equal(bits(1_234_567), '1.23 Mbit/s');
  t.strictSame([count(1234567), count(NaN)], ['1\u202f234\u202f567', '–']);
  t.strictSame([0, 0.25, 4, 999, 1500, 61_000, 3_600_000, 90_000_000, -2000, Infinity].map(span), [
    '0 ms',
    '0.25 ms',
    '4 ms',
    '999 ms',
    '1.50 s',
    '1 min 1 s',
    '1 h',
    '1 d 1 h',
    '−2.00 s',
    '–',
  ]);
  t.equal(plain('a\u202eb\u0000\n\u200b'), 'a\\u202eb\\u0000\\u000a\\u200b');
  t.equal(spelled('a\u202eb\u0000\n\tc\u200b'), 'a\\u202eb\\u0000\n\tc\\u200b', 'lines and tabs stay');
  t.strictSame([plain(undefined), plain(null), plain({ a: 1 }), plain(0)], ['', '', '{"a":1}', '0']);
  t.equal(short('x'.repeat(100), 10), `${'x'.repeat(9)}…`);
});

t.test('what is copied is one line, and a shell reads the very words', async (t) => {
  t.equal(command('fault', 'add', 'udp', 'drop', '--name', 'no-udp'), 'tunnelite fault add udp drop --name no-udp');
  t.equal(command('journal', 'channel.*'), "tunnelite journal 'channel.*'");
  const back = (text: string): string =>
    execFileSync('bash', ['--norc', '-c', `printf '%s' ${word(text)}`], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
  for (const text of ["it's", '$(touch x)`y`', 'a\nb\r\n', '\u001b[31m', "\\n'\u202e'", '', '!!', '-x', '\u{1f4a9}é']) {
    t.equal(back(text), text);
    t.notMatch(word(text), /[\u0000-\u001f\u202e]/);
  }
  t.equal(
    curlToApi('http://127.0.0.1:8445', { method: 'POST', path: '/api/faults', body: { name: "o'k" } }),
    `curl -X POST -H "authorization: Bearer $(tunnelite status --secret)" -H 'content-type: application/json' -d '{"name":"o'\\''k"}' http://127.0.0.1:8445/api/faults`,
  );
  const copied = curlOfEntry({
    request: {
      method: 'PUT',
      url: 'http://a.internal/x?y=1&z=\n',
      headers: [
        { name: 'Host', value: 'a.internal' },
        { name: 'Cookie', value: '(not shown)' },
        { name: 'X-Evil', value: 'a\r\nrm -rf /' },
      ],
      postData: { text: '{"a":1}' },
    },
  });
  t.equal(
    copied,
    `curl -X PUT -H $'X-Evil: a\\u000d\\u000arm -rf /' --data-raw '{"a":1}' $'http://a.internal/x?y=1&z=\\u000a'`,
  );
});

t.test('a search is kept up to date, and looks at what is new alone', async (t) => {
  const filter = new Filter();
  const events = [
    event(1, 'tls.connect'),
    event(2, 'session.connect', { user: 'Alice' }),
    event(3, 'session.refused', {}, 'warn'),
  ];
  const search = { words: 'ALICE', name: 'session', level: '' };
  const first = filter.rowsOf(events, search);
  t.strictSame(
    first.map(({ seq }: { seq: number }) => seq),
    [2],
  );
  t.equal(filter.rowsOf(events, search), first, 'nothing new: the same list');
  const more = [...events, event(4, 'session.connect', { user: 'bob' }), event(5, 'session.expired', { who: 'alice' })];
  t.strictSame(
    filter.rowsOf(more, search).map(({ seq }: { seq: number }) => seq),
    [2, 5],
  );
  t.strictSame(
    filter.rowsOf(more.slice(2), search).map(({ seq }: { seq: number }) => seq),
    [5],
    'what was let go is gone',
  );
  t.strictSame(
    filter.rowsOf(more, { words: '', name: '', level: 'warn' }).map(({ seq }: { seq: number }) => seq),
    [3],
  );
  t.notOk(matcher({ words: '(a+)+$ [', name: '', level: '' })(event(1, 'x')), 'a search is words, no expression');
});

t.test('commands in a sentence are code', async (t) => {
  const code = (text: string): string =>
    codeParts(text)
      .map((part) => (part.code ? `<${part.text}>` : part.text))
      .join('');
  t.equal(code('Run `tunnelite ca`, or `curl`.'), 'Run <tunnelite ca>, or <curl>.');
  t.equal(code('`all of it`'), '<all of it>');
  t.equal(code('none'), 'none');
  t.equal(code('half `open'), 'half `open');
  t.equal(code('``'), '');
});

t.test('why data goes over a channel is the last thing that was said of it', async (t) => {
  const reasons = new Reasons();
  const session = { id: 'k3', state: 'connected', dataChannel: 'cstp' };
  t.match(reasons.of(session), { text: /has not come yet/, tone: 'quiet' });
  reasons.take([
    event(1, 'channel.dtls.open', { session: 'k3', cipher: 'X' }),
    event(2, 'channel.switch', { session: 'k3', to: 'dtls', reason: 'a handshake' }),
  ]);
  t.match(reasons.of({ ...session, dataChannel: 'dtls' }), { text: 'DTLS is up (X)', tone: 'good' });
  t.match(reasons.of(session), { text: 'data goes over TLS', tone: 'quiet' }, 'until its event is there');
  reasons.take([event(3, 'channel.switch', { session: 'k3', to: 'cstp', reason: 'silence' })]);
  t.match(reasons.of(session), { text: 'fell back to TLS: silence', tone: 'fallback' });
  t.match(reasons.of({ ...session, dataChannel: 'dtls' }), { text: 'DTLS is up', tone: 'good' }, 'the other way round');
  reasons.take([event(4, 'session.connect', { session: 'k3' })]);
  t.match(reasons.of(session), { tone: 'quiet' });
  for (let i = 0; i < 100; i++)
    reasons.take([event(i, 'channel.dtls.missing', { session: `s${i}`, explanation: 'x' })]);
  reasons.keep(new Set(['s1']));
  t.equal(reasons.bySession.size, 1, 'sessions that are over are forgotten');
  const { version } = reasons;
  reasons.take([event(200, 'resource.request', { session: 's1' }), event(201, 'session.connect', { session: 'new' })]);
  t.equal(reasons.version, version, 'what explains nothing changes nothing');
  reasons.takeOlder([
    event(2, 'channel.dtls.open', { session: 's1', cipher: 'older' }),
    event(3, 'channel.dtls.open', { session: 's2', cipher: 'X' }),
  ]);
  t.match(reasons.of({ ...session, id: 's1' }), { text: /never came/ }, 'the newest counts');
  t.match(reasons.of({ ...session, id: 's2', dataChannel: 'dtls' }), { text: /DTLS is up/ });
  t.ok(reasons.version > version);
});

t.test('a connect request is one row from its decision to its end', async (t) => {
  const requests = new Requests(3);
  const fields = {
    request: 'r1',
    host: 'intranet',
    destination: '10.0.0.1:80',
    decision: 'allow',
    signInName: 'alice',
  };
  requests.take([event(1, 'resource.request', fields)]);
  t.match(requests.rows.get('r1'), { open: true, outcome: 'open', user: 'alice' });
  t.notOk(requests.take([event(2, 'dns.query')]));
  requests.take([
    event(3, 'resource.end', { ...fields, outcome: 'completed', milliseconds: 5, bytesIn: 1, bytesOut: 2 }),
  ]);
  t.match(requests.rows.get('r1'), { open: false, outcome: 'completed', seq: 1, bytesOut: 2 });
  requests.take([event(4, 'resource.request', { request: 'r2', decision: 'deny' })]);
  t.match(requests.rows.get('r2'), { open: false, outcome: 'denied' });
  for (let i = 0; i < 10; i++) requests.take([event(i, 'resource.request', { request: `x${i}` })]);
  t.equal(requests.rows.size, 3);
  t.equal(matching([{ text: 'alice intranet' }, { text: 'bob' }], 'intra ALICE').length, 1);
});

t.test('rates have gaps where counters went back or nobody looked', async (t) => {
  const history = new History(5);
  history.add(1000, { a: 10, b: 0 });
  history.add(2000, { a: 30, b: 5 });
  history.add(3000, { a: 5, b: 6 });
  history.add(60_000, { a: 50, b: 7 });
  history.add(61_000, { a: 60, b: 7 });
  t.strictSame(history.rates(['a', ['a', 'b']]), [
    [2, 3, 60, 61],
    [20, null, null, 10],
    [25, null, null, 10],
  ]);
  t.equal(history.rate('a'), 10);
  for (let i = 0; i < 100; i++) history.add(70_000 + i * 1000, { a: i });
  t.equal(history.length, 5);
});
