import assert from 'node:assert/strict';
import fc from 'fast-check';
import t from 'tap';
import { ExchangeWatch, type WatchedExchange } from '../../../src/wire/http1/index.ts';

const LIMITS = { target: 200, head: 1000, headerCount: 10, body: 8, pipelined: 4, pipelinedBytes: 600 };

/** What is sent, in order: `>` from the client, `<` from the server, `$` the server's end, `!` the end of the connection. */
type Script = readonly string[];

function watched(script: Script, cut: (text: string) => readonly string[] = (text) => [text]) {
  const exchanges: WatchedExchange<number>[] = [];
  let time = 0;
  const watch = new ExchangeWatch({
    limits: LIMITS,
    stamp: () => ++time,
    onExchange: (exchange) => exchanges.push(exchange),
  });
  for (const step of script) {
    const text = step.slice(1);
    if (step[0] === '>') for (const part of cut(text)) watch.request(Buffer.from(part, 'latin1'));
    else if (step[0] === '<') for (const part of cut(text)) watch.response(Buffer.from(part, 'latin1'));
    else if (step === '$') watch.responseEnd();
    else watch.close();
  }
  const lines = exchanges.map(({ began, request, response, whole }) =>
    [
      began,
      request.method,
      request.target,
      `${request.body.size}:${request.body.beginning.toString('latin1')}`,
      response?.status ?? '-',
      response ? `${response.body.size}:${response.body.beginning.toString('latin1')}` : '-',
      whole ? 'whole' : 'cut',
    ].join(' '),
  );
  return { lines, over: watch.over, exchanges };
}

const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
const ok = (body: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n${more}\r\n${body}`;
const CHUNKED = 'Transfer-Encoding: chunked\r\n';

/** Conversations, and what is seen of them. */
const CONVERSATIONS: Readonly<Record<string, readonly [Script, readonly string[], over?: boolean]>> = {
  'a request and its answer': [[`>${get('/')}`, `<${ok('hello')}`], ['1 GET / 0: 200 5:hello whole']],
  'several on one connection': [
    [`>${get('/1')}`, `<${ok('a')}`, `>${get('/2')}`, `<${ok('')}`, '!'],
    ['1 GET /1 0: 200 1:a whole', '2 GET /2 0: 200 0: whole'],
    true,
  ],
  'requests ahead of their answers': [
    [`>${get('/1')}${get('/2')}${get('/3')}`, `<${ok('a')}${ok('b')}${ok('c')}`],
    ['1 GET /1 0: 200 1:a whole', '2 GET /2 0: 200 1:b whole', '3 GET /3 0: 200 1:c whole'],
  ],
  'bodies both ways, of which the beginning is kept': [
    [`>POST /p HTTP/1.1\r\nContent-Length: 12\r\n\r\n0123456789ab${get('/2')}`, `<${ok('ABCDEFGHIJ')}${ok('z')}`],
    ['1 POST /p 12:01234567 200 10:ABCDEFGH whole', '2 GET /2 0: 200 1:z whole'],
  ],
  'chunked bodies with extensions and trailers': [
    [
      `>PUT /c HTTP/1.1\r\n${CHUNKED}\r\n3;x=y\r\nabc\r\n8\r\ndefghijk\r\n0\r\nTrailer: 1\r\n\r\n`,
      `<HTTP/1.1 200 OK\r\n${CHUNKED}\r\n5\r\nhello\r\n0\r\n\r\n${ok('more')}`,
    ],
    ['1 PUT /c 11:abcdefgh 200 5:hello whole'],
    true,
  ],
  'answers without a body that say how long it would be': [
    [
      `>HEAD /h HTTP/1.1\r\n\r\n${get('/304')}${get('/204')}`,
      '<HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    ],
    ['1 HEAD /h 0: 200 0: whole', '2 GET /304 0: 304 0: whole', '3 GET /204 0: 204 0: whole'],
  ],
  'interim answers': [
    [
      `>POST /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n`,
      '<HTTP/1.1 100 Continue\r\n\r\n',
      '>hi',
      `<HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${ok('y')}`,
    ],
    ['1 POST /e 2:hi 200 1:y whole'],
  ],
  'an answer before the whole request': [
    [
      '>POST /early HTTP/1.1\r\nContent-Length: 20\r\n\r\n12345',
      '<HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n',
      `>678901234567890${get('/next')}`,
      `<${ok('n')}`,
    ],
    ['1 POST /early 5:12345 413 0: whole', '2 GET /next 0: 200 1:n whole'],
  ],
  'an answer that lasts until the end': [
    [`>${get('/')}`, '<HTTP/1.0 200 OK\r\n\r\n0123456789', '$', '!'],
    ['1 GET / 0: 200 10:01234567 whole'],
    true,
  ],
  'an answer that is cut off': [
    [`>${get('/')}${get('/2')}`, '<HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc', '$', '!'],
    ['1 GET / 0: 200 3:abc cut', '2 GET /2 0: - - cut'],
    true,
  ],
  'no answer': [[`>${get('/')}`, '!'], ['1 GET / 0: - - cut'], true],
  'a protocol that follows': [
    [
      `>${get('/ws', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')}`,
      '<HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello',
      '>\x81\x85aaaabbbbb',
      '!',
    ],
    ['1 GET /ws 0: 101 0: whole'],
    true,
  ],
  'an upgrade that is declined': [
    [`>${get('/', 'Upgrade: h2c\r\n')}`, `<${ok('no')}`, `>${get('/2')}`, `<${ok('z')}`],
    ['1 GET / 0: 200 2:no whole', '2 GET /2 0: 200 1:z whole'],
  ],
  'a CONNECT that is granted': [
    ['>CONNECT a:1 HTTP/1.1\r\n\r\n', '<HTTP/1.1 200 OK\r\n\r\n', '>GET / HTTP/1.1\r\n\r\n', '!'],
    ['1 CONNECT a:1 0: 200 0: whole'],
    true,
  ],
  'bytes behind an upgrade that has no answer yet': [[`>${get('/', 'Upgrade: x\r\n')}${get('/2')}`, '!'], [], true],
  TLS: [['>\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n', '<\x16\x03\x03\n'], [], true],
  'HTTP/2': [['>PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'], [], true],
  'a server that speaks first': [['<220 mail.contoso.internal ESMTP\r\n', `>${get('/')}`], [], true],
  'an answer that is none': [[`>${get('/')}`, '<hello\r\n'], [], true],
  'an answer to nothing': [[`>${get('/')}`, `<${ok('')}${ok('x')}`], ['1 GET / 0: 200 0: whole'], true],
  'two lengths': [['>POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab'], [], true],
  'a length and chunks (request smuggling)': [
    [`>POST / HTTP/1.1\r\nContent-Length: 1\r\n${CHUNKED}\r\n0\r\n\r\n`],
    [],
    true,
  ],
};

for (const [name, [script, lines, over = false]] of Object.entries(CONVERSATIONS)) {
  t.test(`${name}: seen the same however it is cut`, async (t) => {
    t.strictSame(watched(script).lines, lines);
    t.equal(watched(script).over, over);
    t.strictSame(watched(script, (text) => text.split('')).lines, lines, 'byte by byte');
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), (sizes) => {
        const cut = (text: string): string[] => {
          const parts: string[] = [];
          for (let at = 0, i = 0; at < text.length; i++) {
            const size = sizes[i % sizes.length]!;
            parts.push(text.slice(at, at + size));
            at += size;
          }
          return parts;
        };
        assert.deepEqual(watched(script, cut).lines, lines);
      }),
      { numRuns: 20 },
    );
  });
}

t.test('what is more than the limits allow is watched no longer, and what came before stays seen', async (t) => {
  const first = [`>${get('/1')}`, `<${ok('a')}`];
  const beyond: Readonly<Record<string, Script>> = {
    'a target': [`>${get(`/${'x'.repeat(300)}`)}`],
    'a head': [`>${get('/', `A: ${'x'.repeat(2000)}\r\n`)}`],
    'a line that does not end': [`>GET /${'x'.repeat(5000)}`],
    'many header lines': [`>${get('/', 'A: 1\r\n'.repeat(20))}`],
    'many requests ahead': [`>${get('/').repeat(5)}`],
    'heads of requests ahead': [`>${get('/', `A: ${'x'.repeat(250)}\r\n`).repeat(3)}`],
    'interim answers': [`>${get('/')}`, `<${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(9)}`],
    'chunk extensions': [`>POST / HTTP/1.1\r\n${CHUNKED}\r\n`, `>1;${'x'.repeat(300)}\r\n`],
    'a head of an answer': [`>${get('/')}`, `<HTTP/1.1 200 OK\r\nA: ${'x'.repeat(2000)}`],
  };
  for (const [name, script] of Object.entries(beyond)) {
    const { lines, over } = watched([...first, ...script, '!']);
    t.strictSame([lines, over], [['1 GET /1 0: 200 1:a whole'], true], name);
  }
});

t.test('whatever two peers send, the watch neither throws nor keeps more than the beginnings of bodies', async () => {
  const piece = fc.oneof(
    fc.constantFrom(
      get('/'),
      ok('x'),
      'HTTP/1.1 200 OK\r\n',
      '\r\n',
      CHUNKED,
      '5\r\n',
      '0\r\n\r\n',
      'Content-Length: 7\r\n',
      'Upgrade: x\r\n',
    ),
    fc.string({ unit: 'binary', maxLength: 30 }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('>', '<'), piece)), (steps) => {
      const { exchanges } = watched([...steps.map(([who, text]) => who + text), '$', '!']);
      for (const { request, response } of exchanges) {
        const kept = Math.max(request.body.beginning.length, response?.body.beginning.length ?? 0);
        if (kept > LIMITS.body) throw new Error(`${kept} bytes of a body are kept.`);
      }
    }),
    { numRuns: 500 },
  );
});

t.test('a body without an end costs no memory', async (t) => {
  const { exchanges, over } = watched([
    `>${get('/')}`,
    `<HTTP/1.1 200 OK\r\n${CHUNKED}\r\n`,
    ...Array.from({ length: 2000 }, () => `<400\r\n${'x'.repeat(1024)}\r\n`),
    '!',
  ]);
  t.equal(over, true);
  t.match(exchanges, [{ response: { status: 200, body: { size: 2000 * 1024 } }, whole: false }]);
  t.ok(exchanges[0]!.response!.body.beginning.buffer.byteLength < 1000);
});
