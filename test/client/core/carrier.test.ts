import { once } from 'node:events';
import { type AddressInfo, createServer, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { networkCarrier, systemCarrier, systemCarrierFrom } from '../../../src/client/core/carrier.ts';
import { systemNetwork } from '../../../src/network/index.ts';

/** A server that keeps its half open, and says who calls. */
const listen = async (t: Test, host = '127.0.0.1'): Promise<number> => {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {}).end(String(socket.remoteAddress));
    t.teardown(() => socket.destroy());
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
};

const { signal: never } = new AbortController();

t.test('a name is looked up, and each of its addresses tried', async (t) => {
  const port = await listen(t);
  // ::1 comes first on many machines, and nobody listens there.
  const stream = await systemCarrier.connect({ host: 'localhost', port }, never);
  t.equal(stream.remoteAddress, '127.0.0.1');
  stream.destroy();
});

t.test('a client can call from an address of its own', async (t) => {
  const port = await listen(t);
  const stream = await systemCarrierFrom('127.0.0.9').connect({ host: 'localhost', port }, never);
  t.equal(String((await once(stream, 'data'))[0]), '127.0.0.9');
  stream.destroy();
});

t.test('the end of the gateway’s half ends the connection, for TLS has no use for half of one', async (t) => {
  const port = await listen(t);
  const stream = await systemCarrier.connect({ host: '127.0.0.1', port }, never);
  stream.resume();
  await once(stream, 'close');
  t.ok(stream.writableFinished);
});

t.test('what really fails, fails with the error of the system', async (t) => {
  const port = await listen(t);
  await t.rejects(systemCarrier.connect({ host: '::1', port }, never), {
    code: /ECONNREFUSED|EADDRNOTAVAIL|ENETUNREACH|EAFNOSUPPORT/,
  });
  await t.rejects(systemCarrier.connect({ host: 'no.such.host.invalid', port }, never), {
    code: /ENOTFOUND|EAI_AGAIN/,
  });
});

t.test('who gives up waits for nothing, whatever is under way', async (t) => {
  const port = await listen(t);
  const reason = new Error('no more');
  await t.rejects(systemCarrier.connect({ host: '127.0.0.1', port }, AbortSignal.abort(reason)), reason);
  const stalled: { destroyed: boolean }[] = [];
  const network = {
    ...systemNetwork,
    connect: () => {
      // It never connects.
      const socket = new Socket();
      stalled.push(socket);
      return socket;
    },
  };
  for (const turns of [0, 1]) {
    const control = new AbortController();
    const connecting = networkCarrier(network).connect({ host: 'gateway', port }, control.signal);
    for (let i = 0; i < turns; i++) await turn();
    control.abort(reason);
    await t.rejects(connecting, reason);
    await turn();
  }
  t.strictSame(
    stalled.map(({ destroyed }) => destroyed),
    [true],
    'nothing is dialled after a look-up that nobody waits for',
  );
});
