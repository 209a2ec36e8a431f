import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { MAX_WATCHED_CONNECTIONS } from '../../src/services/constants.ts';
import { RequestRecorder, UpstreamRecorder } from '../../src/services/index.ts';
import { visitor } from '../support/visitor.ts';

function recording({ capacity = 100, bodyBytes = 0 } = {}) {
  const clock = new ManualClock();
  const recorder = new RequestRecorder({ capacity, bodyBytes, now: () => clock.now() });
  return { clock, recorder, upstreams: new UpstreamRecorder(recorder, clock) };
}

const text = (bytes: string): Buffer => Buffer.from(bytes, 'latin1');
const OK = 'HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 2\r\n\r\nhi';

t.test('a request is kept with its times, headers and who sent it', async (t) => {
  const { clock, recorder, upstreams } = recording();
  const began = clock.now();
  const watch = upstreams.watch(visitor, 'upstream u1')!;
  watch.fromClient(text('POST /x HTTP/1.1\r\nHost: a.example:81\r\n__proto__: evil\r\nContent-Length: 3\r\n\r\n'));
  clock.advance(40);
  watch.fromClient(text('abc'));
  watch.fromServer(text(OK));
  const [kept] = recorder.list();
  t.match(kept, {
    began,
    milliseconds: 40,
    service: 'upstream u1',
    visitor,
    method: 'POST',
    url: 'http://a.example:81/x',
    version: 'HTTP/1.1',
    requestBody: { size: 3, bytes: undefined },
    status: 200,
    statusText: 'OK',
    responseHeaders: { 'set-cookie': ['a', 'b'], 'content-length': '2' },
    responseBody: { size: 2, bytes: undefined },
    failure: undefined,
  });
  t.equal(Object.entries(kept!.requestHeaders).find(([name]) => name === '__proto__')?.[1], 'evil');
  watch.close();
});

t.test('whatever target and host are, the URL is one', async (t) => {
  const { recorder, upstreams } = recording();
  const host = `${visitor.destinationAddress}:${visitor.destinationPort}`;
  const urls: readonly (readonly [string, string, string])[] = [
    ['/a?b=c', 'Host: x.example\r\n', 'http://x.example/a?b=c'],
    ['/a', '', `http://${host}/a`],
    ['/a', 'Host: a b<c>\r\n', `http://${host}/a`],
    ['/a', 'Host: a\r\nHost: b\r\n', `http://${host}/a`],
    ['http://other.example/a', 'Host: x.example\r\n', 'http://other.example/a'],
    ['*', 'Host: x.example\r\n', 'http://x.example/*'],
    ['//[', 'Host: x.example\r\n', 'http://x.example//['],
  ];
  for (const [target, headers, url] of urls) {
    const watch = upstreams.watch(visitor, 'upstream u1')!;
    watch.fromClient(text(`OPTIONS ${target} HTTP/1.1\r\n${headers}\r\n`));
    watch.fromServer(text(OK));
    watch.close();
    t.equal(recorder.list().at(-1)?.url, url, `${target} ${headers}`);
  }
});

t.test('so many connections are watched at a time, and no more', async (t) => {
  const { recorder, upstreams } = recording();
  const watches = Array.from({ length: MAX_WATCHED_CONNECTIONS }, () => upstreams.watch(visitor, 'upstream u1')!);
  t.equal(upstreams.watch(visitor, 'upstream u1'), undefined);
  watches[0]!.fromClient(text('\x16\x03\x01\n'));
  t.equal(watches[0]!.over, true, 'that is none of HTTP');
  const next = upstreams.watch(visitor, 'upstream u1');
  t.ok(next);
  watches[0]!.close();
  t.equal(upstreams.watch(visitor, 'upstream u1'), undefined, 'its place was given up once only');
  watches[1]!.close();
  watches[1]!.close();
  t.ok(upstreams.watch(visitor, 'upstream u1'));
  t.equal(upstreams.watch(visitor, 'upstream u1'), undefined);
  t.strictSame(recorder.list(), []);
});

t.test('with nothing kept nothing is watched', async (t) => {
  t.equal(recording({ capacity: 0 }).upstreams.watch(visitor, 'upstream u1'), undefined);
});
