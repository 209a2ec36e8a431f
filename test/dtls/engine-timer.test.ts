import t from 'tap';
import { connect, createServer, EngineTimer } from '../../src/dtls/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { DtlsLink, PSK } from '../support/dtls-link.ts';

/** More turns of the event loop than a late timer waits for. */
const turns = async (): Promise<void> => {
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** An engine that is due once, and writes down its calls. */
function recorder() {
  const calls: [number, number][] = [];
  const engine = {
    nextDeadline: 100,
    tick(now: number, late: number) {
      calls.push([now, late]);
      engine.nextDeadline = Infinity;
    },
  };
  return { engine, calls };
}

t.test('the engine is called when it is due, and not again', (t) => {
  const clock = new ManualClock();
  const { engine, calls } = recorder();
  const timer = new EngineTimer(engine, clock);
  timer.arm();
  timer.arm();
  clock.advance(1000);
  t.strictSame(calls, [[100, 0]]);
  engine.nextDeadline = 2000;
  timer.arm();
  timer.cancel();
  clock.advance(5000);
  t.equal(calls.length, 1, 'cancelled');
  t.end();
});

t.test('a late timer lets the engine judge only after input was read, and says how late it is', async (t) => {
  const clock = new ManualClock();
  const { engine, calls } = recorder();
  new EngineTimer(engine, clock).arm();
  clock.stall(5000);
  clock.advance(0);
  t.strictSame(calls, []);
  await turns();
  t.strictSame(calls, [[5000, 4900]]);
});

t.test('a handshake whose answer waits to be read is not given up by a client that was stopped', async (t) => {
  const clock = new ManualClock();
  const server = await createServer({
    lookup: () => {
      // The client stands still from now on, far beyond its patience; what the server answers waits in its socket.
      clock.stall(10_000);
      clock.advance(0);
      return { kind: 'psk', key: PSK, context: undefined };
    },
  });
  t.teardown(() => server.close());
  const credentials = { kind: 'psk', key: PSK, identity: 'me' } as const;
  const socket = await connect({ port: server.address.port, credentials, clock, handshakeTimeout: 1000 });
  t.equal(socket.cipherSuite, 'TLS_PSK_WITH_AES_256_GCM_SHA384');
  await socket.close();
});

t.test('time in which nobody listened counts neither for the client nor for the server', (t) => {
  const link = new DtlsLink({ fate: () => [] });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, link.clientPeer, 0);
  link.server.tick(100_000, 99_000);
  link.client.tick(100_000, 99_000);
  t.equal(link.server.handshakes, 1);
  t.equal(link.client.closed, false);
  link.server.tick(158_900);
  link.client.tick(158_900);
  t.equal(link.server.handshakes, 1, 'what is left of its time');
  t.equal(link.client.closed, false);
  link.server.tick(160_000);
  link.client.tick(160_000);
  t.equal(link.server.handshakes, 0, 'and then it is over');
  t.match(link.clientClosed, [{ reason: 'timeout' }]);
  t.end();
});
