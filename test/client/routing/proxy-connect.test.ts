import { Duplex } from 'node:stream';
import t from 'tap';
import { connectThrough } from '../../../src/client/routing/proxy-connect.ts';
import { ManualClock } from '../../../src/lib/clock.ts';

/** A stream to a proxy that gives this answer, in pieces, to whatever it is sent. */
function proxied(...pieces: string[]) {
  const sent: string[] = [];
  const stream = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, done) {
      if (sent.push(chunk.toString('latin1')) === 1) for (const piece of pieces) this.push(piece);
      done();
    },
  });
  const clock = new ManualClock();
  const control = new AbortController();
  const request = { proxy: { host: 'proxy.test', port: 3128 }, host: 'fd00::1', port: 443, clock };
  return { stream, sent, clock, control, opened: connectThrough(stream, { ...request, signal: control.signal }) };
}

const NAMES = ['data', 'error', 'end', 'close'] as const;
const listeners = (stream: Duplex) => NAMES.map((name) => stream.listenerCount(name));

t.test(
  'after the answer the stream is the connection: nobody listens to it, and what followed is still there',
  async (t) => {
    const { stream, sent, clock, control, opened } = proxied('HTTP/1.1 200 OK\r\nVia: x\r\n', '\r\nhel', 'lo');
    const before = listeners(new Duplex({ read() {} }));
    t.equal(await opened, stream);
    t.strictSame(sent, ['CONNECT [fd00::1]:443 HTTP/1.1\r\nHost: [fd00::1]:443\r\n\r\n']);
    t.strictSame(listeners(stream), before);
    t.equal(clock.pending, 0);
    control.abort(new Error('too late'));
    t.equal(stream.destroyed, false);
    stream.push(null);
    let text = '';
    for await (const chunk of stream) text += chunk;
    t.equal(text, 'hello');
  },
);

t.test('a proxy that refuses, is none, or leaves is an error with its name, and the stream is cut', async (t) => {
  for (const [answer, message] of [
    ['HTTP/1.1 403 Not here\r\n\r\n', /proxy\.test:3128 answered 403 Not here to CONNECT \[fd00::1\]:443/],
    ['SSH-2.0-x\r\n\r\n', /did not answer as a proxy/],
  ] as const) {
    const { stream, opened } = proxied(answer);
    await t.rejects(opened, { code: 'ERR_CLIENT_PROXY', message });
    t.equal(stream.destroyed, true);
  }
  const left = proxied('HTTP/1.1 20');
  left.stream.push(null);
  await t.rejects(left.opened, { code: 'ERR_CLIENT_PROXY', message: /without an answer/ });
  const silent = proxied();
  silent.clock.advance(20_000);
  await t.rejects(silent.opened, { code: 'ERR_CLIENT_PROXY', message: /within 20 s/ });
  const given = proxied();
  given.control.abort(new Error('enough'));
  await t.rejects(given.opened, { message: 'enough' });
  t.equal(given.stream.destroyed, true);
});
