import fc from 'fast-check';
import t from 'tap';
import {
  type HttpFault,
  type HttpReadResult,
  type HttpRequest,
  type HttpResponse,
  RequestReader,
  ResponseReader,
} from '../../../src/wire/http1/index.ts';
import { countBufferWork } from '../../support/buffer-work.ts';

const GATEWAY = { target: 255, head: 131_072, headerCount: 256, body: 65_536 };

interface Reader<M> {
  feed(bytes: Buffer): void;
  next(): HttpReadResult<M>;
}

/** Feeds a stream in pieces and asks after each, as the gateway does. */
function feed<M>(reader: Reader<M>, bytes: Buffer, sizes: readonly number[]): (M | HttpFault)[] {
  const results: (M | HttpFault)[] = [];
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const next = Math.min(bytes.length, at + sizes[i % sizes.length]!);
    reader.feed(bytes.subarray(at, next));
    at = next;
    for (let result = reader.next(); result; result = reader.next()) {
      if ('fault' in result) return [...results, result.fault];
      results.push(result.message);
    }
  }
  return results;
}

const CHUNKED = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';

/** Streams that made earlier readers look at the same bytes again and again, and what they have to come to. */
const SLOW: readonly [label: string, bytes: string, outcome: object | undefined][] = [
  ['a body of 60,000 chunks', `${CHUNKED}${'1\r\na\r\n'.repeat(60_000)}0\r\n\r\n`, { method: 'POST' }],
  ['a body of 60,000 chunks that does not end', `${CHUNKED}${'1\r\na\r\n'.repeat(60_000)}`, undefined],
  ['a body of chunks with long sizes', `${CHUNKED}${'00000001\r\na\r\n'.repeat(60_000)}0\r\n\r\n`, { method: 'POST' }],
  ['chunk extensions', `${CHUNKED}${`1;${'x'.repeat(240)}\r\na\r\n`.repeat(30_000)}`, { reason: 'bad-chunk' }],
  ['a chunk size line without end', `${CHUNKED}1;${'x'.repeat(100_000)}`, { reason: 'bad-chunk' }],
  ['trailers', `${CHUNKED}0\r\n${'A: b\r\n'.repeat(20_000)}`, { reason: 'bad-chunk' }],
  ['one long header', `GET / HTTP/1.1\r\nX: ${'a'.repeat(130_000)}\r\n\r\n`, { method: 'GET' }],
  ['a header without end', `GET / HTTP/1.1\r\nX: ${'a'.repeat(140_000)}`, { reason: 'headers-too-large' }],
  ['folded lines', `GET / HTTP/1.1\r\nX: a\r\n${' b\r\n'.repeat(255)}\r\n`, { method: 'GET' }],
  ['too many folded lines', `GET / HTTP/1.1\r\nX: a\r\n${' b\r\n'.repeat(30_000)}\r\n`, { reason: 'too-many-headers' }],
  ['line feeds at ends of headers', `GET / HTTP/1.1\r\n${'X: a\n\r\n'.repeat(256)}\r\n`, { method: 'GET' }],
  ['a request line without end', `GET /${'a'.repeat(100_000)}`, { reason: 'url-too-long' }],
  ['colons', `GET / HTTP/1.1\r\n${':'.repeat(100_000)}\r\n\r\n`, { reason: 'malformed' }],
  ['a body of one length', `POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\n${'a'.repeat(65_536)}`, { method: 'POST' }],
  ['many small requests', 'GET / HTTP/1.1\r\n\r\n'.repeat(5000), { method: 'GET' }],
];

for (const [label, text, outcome] of SLOW) {
  t.test(`${label}: each byte costs the same, however the stream is cut`, async (t) => {
    const bytes = Buffer.from(text);
    // Whole, in TLS records, byte by byte; and most of it at once with the rest byte by byte.
    const cuts = [[bytes.length], [16_384], [1], [Math.max(1, bytes.length - 600), ...Array<number>(600).fill(1)]];
    for (const sizes of cuts) {
      let last: HttpRequest | HttpFault | undefined;
      const work = countBufferWork(() => {
        last = feed(new RequestReader(GATEWAY), bytes, sizes).at(-1);
      });
      if (outcome) t.match(last, outcome);
      else t.equal(last, undefined);
      const how = `cut at ${sizes.slice(0, 2)}: ${work.touched} touched, ${work.allocated} allocated of ${bytes.length}`;
      t.ok(work.touched <= 6 * bytes.length + 4096, how);
      t.ok(work.allocated <= 6 * Math.min(bytes.length, 200_000) + 4096, how);
    }
  });
}

t.test('of a chunked body nothing is kept but the body', async (t) => {
  const bytes = Buffer.from(`${CHUNKED}${'1\r\na\r\n'.repeat(30_000)}`);
  const work = countBufferWork(() => feed(new RequestReader(GATEWAY), bytes, [16_384]));
  t.ok(work.allocated < 4 * 30_000, `${work.allocated} bytes were asked for, for a body of 30,000`);
});

t.test('no memory is set aside for a body that is only announced', async (t) => {
  const bytes = Buffer.from('POST / HTTP/1.1\r\nContent-Length: 65536\r\n\r\na');
  const work = countBufferWork(() => feed(new RequestReader(GATEWAY), bytes, [16_384]));
  t.ok(work.allocated < 1024, `${work.allocated}`);
});

// Fragmentation: small limits, so that they are met often.
const SMALL = { target: 20, head: 120, headerCount: 4, body: 24 };

const requestPiece = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'GET / HTTP/1.1\r\n',
      'POST /x HTTP/1.1\r\n',
      'CONNECT /CS HTTP/1.1\r\n',
      'GET / HTTP/1.0\n',
    ),
  },
  fc.constantFrom('GET / HTTP/2.0\r\n', `GET /${'a'.repeat(25)} HTTP/1.1\r\n`, 'x'.repeat(40), 'hello\r\n'),
);
const responsePiece = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom(
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.0 401 No\n',
      'HTTP/1.1 100 Go on\r\n',
      'HTTP/1.1 304\r\n',
    ),
  },
  fc.constantFrom('HTTP/2 200 OK\r\n', `HTTP/1.1 200 ${'a'.repeat(100)}\r\n`, 'x'.repeat(40), 'SSH-2.0\r\n'),
);
const anyPiece = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('\r\n', '\n', '\r') },
  {
    weight: 4,
    arbitrary: fc.constantFrom('Content-Length: 3\r\n', 'Content-Length: 25\r\n', 'Transfer-Encoding: chunked\r\n'),
  },
  { weight: 4, arbitrary: fc.constantFrom('3\r\nabc\r\n', '2;x\r\nab\r\n', '0\r\n', 'abc', '\r\n\r\n') },
  fc.constantFrom(
    'X: y\r\n',
    'X: y\n',
    ' folded\r\n',
    'Über: ä\r\n',
    'X: ü\r\n',
    `X: ${'a'.repeat(60)}\r\n`,
    `${'1'.repeat(300)}`,
  ),
  fc.string({ maxLength: 10 }),
);

for (const [label, piece, make] of [
  ['requests', requestPiece, () => new RequestReader(SMALL)],
  ['responses', responsePiece, () => new ResponseReader('POST', SMALL)],
  ['answers to CONNECT', responsePiece, () => new ResponseReader('CONNECT', SMALL)],
] as const) {
  t.test(`${label}: any split of the bytes gives the same result`, async () => {
    const run = (bytes: Buffer, sizes: readonly number[]) => {
      const reader: Reader<HttpRequest | HttpResponse> & { end?(): unknown; rest(): Buffer } = make();
      const results = feed(reader, bytes, sizes);
      return { results, end: reader.end?.(), rest: reader.rest().toString('latin1') };
    };
    fc.assert(
      fc.property(
        fc.array(fc.tuple(piece, fc.array(anyPiece, { maxLength: 8 })), { minLength: 1, maxLength: 3 }),
        fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 20 }),
        (messages, sizes) => {
          const bytes = Buffer.from(messages.map(([start, more]) => start + more.join('')).join(''));
          t.strictSame(run(bytes, sizes), run(bytes, [bytes.length]));
          return true;
        },
      ),
      { numRuns: Number(process.env.TUNNELITE_FUZZ ?? 1000) },
    );
  });
}
