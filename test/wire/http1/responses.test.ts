import fc from 'fast-check';
import t from 'tap';
import { type HttpFault, type HttpResponse, ResponseReader } from '../../../src/wire/http1/index.ts';

const LIMITS = { target: 255, head: 8192, headerCount: 128, body: 4096 };

function readAll(method: string, text: string, ended = false): (HttpResponse | HttpFault)[] {
  const reader = new ResponseReader(method, LIMITS);
  reader.feed(Buffer.from(text));
  const results: (HttpResponse | HttpFault)[] = [];
  for (let result = reader.next(); result; result = reader.next()) {
    if ('fault' in result) return [...results, result.fault];
    results.push(result.message);
  }
  const last = ended ? reader.end() : undefined;
  if (last) results.push('fault' in last ? last.fault : last.message);
  return results;
}

const CONNECTED = 'HTTP/1.1 200 CONNECTED\r\nX-CSTP-Version: 1\r\nX-CSTP-MTU: 1434\r\n\r\n';

t.test('an answer is read whatever the boundaries, and the bytes after it are given back', async () => {
  const bytes = Buffer.from(`${CONNECTED}STF\x01`);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      const reader = new ResponseReader('CONNECT', LIMITS);
      const complete = bytes.length - 4;
      for (let at = 0, i = 0; at < bytes.length; i++) {
        const next = Math.min(bytes.length, at + sizes[i % sizes.length]!);
        reader.feed(bytes.subarray(at, next));
        const result = reader.next();
        if (result) {
          return 'message' in result && next >= complete && reader.rest().equals(bytes.subarray(complete, next));
        }
        at = next;
      }
      return false;
    }),
  );
});

t.test('a body is waited for and cut at its length', async (t) => {
  const reader = new ResponseReader('POST', LIMITS);
  reader.feed(Buffer.from('HTTP/1.1 401 Unauthorized\r\nContent-Length: 5\r\n\r\nab'));
  t.equal(reader.next(), undefined);
  reader.feed(Buffer.from('cdeXY'));
  t.match(reader.next(), { message: { status: 401, text: 'Unauthorized', body: Buffer.from('abcde') } });
  t.equal(reader.rest().toString(), 'XY');
});

t.test('a body without a length lasts until the end of the connection, but none follows CONNECT', async (t) => {
  const text = 'HTTP/1.0 503 Service Unavailable\r\nX-Reason: full\r\n\r\n';
  t.match(readAll('POST', `${text}so sorry`), []);
  t.match(readAll('POST', `${text}so sorry`, true), [{ status: 503, body: Buffer.from('so sorry') }]);
  t.match(readAll('POST', `${text}${'x'.repeat(5000)}`), [{ reason: 'body-too-large' }]);
  t.match(readAll('CONNECT', text), [{ status: 503, headers: [['x-reason', 'full']], body: Buffer.alloc(0) }]);
  t.match(readAll('HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'), [{ status: 200, body: Buffer.alloc(0) }]);
  t.match(readAll('GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n'), [{ status: 304 }]);
});

t.test('interim answers are passed over, a few of them', async (t) => {
  const interim = 'HTTP/1.1 100 Continue\r\n\r\n';
  t.match(readAll('POST', `${interim.repeat(8)}${CONNECTED}`, true).at(-1), { status: 200 });
  t.match(readAll('POST', interim.repeat(9)), [{ reason: 'malformed' }]);
});

t.test('header text in UTF-8 is read as written', async (t) => {
  t.match(readAll('CONNECT', 'HTTP/1.1 200 OK\r\nX-CSTP-Banner: Grüße\r\n\r\n'), [
    { headers: [['x-cstp-banner', 'Grüße']] },
  ]);
});

for (const [name, text, reason] of [
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', 'malformed'],
  ['a long line of another protocol', 'x'.repeat(100), 'malformed'],
  ['a header without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\n\r\n', 'malformed'],
  ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'bad-length'],
  ['a length beyond the limit', 'HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n', 'body-too-large'],
  ['headers without end', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(200_000)}`, 'headers-too-large'],
] as const) {
  t.test(`${name} is named`, async (t) => {
    t.match(readAll('POST', text), [{ reason, explanation: /\.$/ }]);
  });
}
