import { once } from 'node:events';
import { type AddressInfo, createServer, type LookupFunction } from 'node:net';
import t, { type Test } from 'tap';
import { dial } from '../../../src/client/core/dial.ts';

const listen = async (t: Test): Promise<number> => {
  const server = createServer((socket) => void socket.on('error', () => {}).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

t.test('an address is not given up because the process stood still while it answered', async (t) => {
  const port = await listen(t);
  let tries = 0;
  // A name with an address that answers, and after it one that refuses.
  const lookup: LookupFunction = (_name, _options, callback) => {
    setImmediate(() => {
      const found = callback as (error: null, addresses: { address: string; family: number }[]) => void;
      found(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]);
      // The first address is being tried now. The answer comes while nobody listens.
      if (tries++ === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
    });
  };
  const socket = await dial({ host: 'two.contoso.test', port, lookup }, new AbortController().signal);
  t.equal(socket.remoteAddress, '127.0.0.1');
  t.equal(tries, 2);
  socket.destroy();
});

t.test('what really fails, fails', async (t) => {
  const port = await listen(t);
  const { signal } = new AbortController();
  await t.rejects(dial({ host: '::1', port }, signal), { code: /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH|EAFNOSUPPORT/ });
  await t.rejects(dial({ host: '127.0.0.1', port }, AbortSignal.abort(new Error('no more'))), {
    message: 'no more',
  });
});

t.test('who gives up while a name is looked up waits for nothing', async (t) => {
  const control = new AbortController();
  const never: LookupFunction = () => setImmediate(() => control.abort(new Error('no more')));
  await t.rejects(dial({ host: 'never.contoso.test', port: 1, lookup: never }, control.signal), { message: 'no more' });
});
