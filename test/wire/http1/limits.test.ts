import t from 'tap';
import { RequestReader, ResponseReader } from '../../../src/wire/http1/index.ts';

const LIMITS = { target: 255, head: 131_072, headerCount: 256, body: 65_536 };
const CHUNKED = 'POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n';

/** The body of a request, or why it is refused. */
function outcome(text: string, limits = LIMITS): string {
  const reader = new RequestReader(limits);
  reader.feed(Buffer.from(text, 'latin1'));
  const result = reader.next();
  if (result === undefined) return 'waits';
  return 'fault' in result ? result.fault.reason : `body ${result.message.body.toString('latin1')}`;
}

t.test('extensions of chunks may have 16,384 bytes in all', async (t) => {
  const chunks = (bytes: number): string => {
    let text = CHUNKED;
    for (let left = bytes; left > 0; ) {
      const extension = Math.min(left, 200);
      text += `1;${'x'.repeat(extension - 1)}\r\na\r\n`;
      left -= extension;
    }
    return `${text}0\r\n\r\n`;
  };
  t.match(outcome(chunks(16_384)), /^body a+$/);
  t.equal(outcome(chunks(16_385)), 'bad-chunk');
});

t.test('a trailer may have 1024 bytes, with the empty line that ends it', async (t) => {
  const trailer = (bytes: number): string =>
    `${CHUNKED}0\r\nA: ${'b'.repeat(500)}\r\nC: ${'d'.repeat(bytes - 512)}\r\n\r\n`;
  t.equal(outcome(trailer(1024)), 'body ');
  t.equal(outcome(trailer(1025)), 'bad-chunk');
});

t.test('a chunk ends with one line end, after exactly its size', async (t) => {
  t.equal(outcome(`${CHUNKED}1\r\na\r\n0\r\n\r\n`), 'body a');
  t.equal(outcome(`${CHUNKED}1\na\n0\n\n`), 'body a');
  for (const end of ['\r\r\n', 'b\n', 'b\r\n', '\rb\n', ' \r\n']) {
    t.equal(outcome(`${CHUNKED}1\r\na${end}0\r\n\r\n`), 'bad-chunk', JSON.stringify(end));
  }
});

t.test('a body is read up to its limit, by length and in chunks', async (t) => {
  const limits = { ...LIMITS, body: 10 };
  const plain = (length: number): string => `POST / HTTP/1.1\r\nContent-Length: ${length}\r\n\r\n${'x'.repeat(length)}`;
  t.equal(outcome(plain(10), limits), `body ${'x'.repeat(10)}`);
  t.equal(outcome(plain(11), limits), 'body-too-large');
  t.equal(outcome(`${CHUNKED}6\r\nxxxxxx\r\n4\r\nxxxx\r\n0\r\n\r\n`, limits), `body ${'x'.repeat(10)}`);
  t.equal(outcome(`${CHUNKED}6\r\nxxxxxx\r\n5\r\n`, limits), 'body-too-large', 'before it has come');
});

t.test('headers are read up to their limit in bytes and in number', async (t) => {
  const head = (bytes: number): string => {
    const begin = 'GET / HTTP/1.1\r\nA: ';
    return `${begin}${'x'.repeat(bytes - begin.length - 4)}\r\n\r\n`;
  };
  t.equal(head(500).length, 500);
  t.equal(outcome(head(500), { ...LIMITS, head: 500 }), 'body ');
  t.not(outcome(head(501), { ...LIMITS, head: 500 }), 'body ');
  const lines = (count: number): string => `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(count)}\r\n`;
  t.equal(outcome(lines(3), { ...LIMITS, headerCount: 3 }), 'body ');
  t.not(outcome(lines(4), { ...LIMITS, headerCount: 3 }), 'body ');
});

t.test('a first line that is none is shown up to 80 characters', async (t) => {
  const shown = (line: string): string | undefined => {
    const reader = new ResponseReader('POST', LIMITS);
    reader.feed(Buffer.from(`${line}\r\n\r\n`, 'latin1'));
    const result = reader.next();
    return result && 'fault' in result ? /“(.*)”/.exec(result.fault.explanation)?.[1] : undefined;
  };
  t.equal(shown('HTTP/1.1 abc'), 'HTTP/1.1 abc');
  t.equal(shown('HTTP/1.1 \x1b[31m\xff'), 'HTTP/1.1 .[31m.');
  t.equal(shown(`HTTP/1.1 ${'x'.repeat(100)}`), `HTTP/1.1 ${'x'.repeat(71)}`);
});
