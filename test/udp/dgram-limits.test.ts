import { Socket } from 'node:dgram';
import t, { type Test } from 'tap';
import { DgramSocket } from '../../src/udp/dgram-socket.ts';

const receiver = { onDatagram: () => {}, onBatchEnd: () => {} };

/** A method of every datagram socket is another one for a test. */
function replace<K extends 'send' | 'setRecvBufferSize' | 'setSendBufferSize'>(t: Test, name: K, by: unknown): void {
  const original = Socket.prototype[name];
  Socket.prototype[name] = by as Socket[K];
  t.teardown(() => {
    Socket.prototype[name] = original;
  });
}

for (const code of ['EAGAIN', 'ENOBUFS']) {
  t.test(`${code}: a full queue of the system drops the datagram, which is no error`, async (t) => {
    await using socket = await DgramSocket.open({ host: '127.0.0.1', port: 0, receiver });
    const error = Object.assign(new Error(code), { code });
    replace(t, 'send', (...args: unknown[]) => (args.at(-1) as (error: Error) => void)(error));
    socket.send(Buffer.from('x'), 0, 1, socket.endpoint('127.0.0.1', 9));
    t.match(socket.stats, { sendDropped: 1, sendErrors: 0 });
  });
}

t.test('a system that refuses one buffer size is asked for the other all the same', async (t) => {
  let asked = 0;
  replace(t, 'setRecvBufferSize', () => {
    throw Object.assign(new Error('ENOBUFS'), { code: 'ENOBUFS' });
  });
  replace(t, 'setSendBufferSize', () => void asked++);
  await using socket = await DgramSocket.open({ host: '127.0.0.1', port: 0, receiver });
  t.ok(socket.port > 0);
  t.equal(asked, 1);
});
