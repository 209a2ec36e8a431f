import t from 'tap';
import type { TunnelClient } from '../../src/client/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import type {
  NetstackOptions,
  TcpConnectRequest,
  UdpDatagramHandler,
  UdpFlowRequest,
} from '../../src/netstack/index.ts';
import { CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { parseDnsQuery, serializeDnsAnswer } from '../../src/wire/dns.ts';
import {
  ANSWERS,
  innerNetwork,
  requestsOf,
  type ScriptedGateway,
  scriptedGateway,
  welcome,
} from '../support/scripted-gateway.ts';

/*
 * The process was stopped (SIGSTOP, a suspended laptop), or its event loop was blocked, while a timer was pending. When it goes on, the
 * timer fires first, and the answer is still unread.
 */

const HOUR = 3_600_000;

/** The client's process goes on after an hour. */
const wakeAfterAnHour = async (clock: ManualClock): Promise<void> => {
  clock.stall(HOUR);
  clock.advance(0);
  for (let i = 0; i < 4; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** Something that a test waits for. */
const event = <T = void>() => Promise.withResolvers<T>();

interface Bench extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly client: TunnelClient;
}

/** A client on virtual time, and a network behind its gateway in real time. */
async function bench(options: Partial<NetstackOptions>, headers: Record<string, string> = {}): Promise<Bench> {
  const clock = new ManualClock();
  const gateway: ScriptedGateway = await scriptedGateway(async (socket) => {
    await welcome(socket, headers);
    innerNetwork(socket, options);
  });
  const client = await gateway.connect({ clock });
  return {
    clock,
    client,
    async [Symbol.asyncDispose]() {
      await client.close();
      await gateway[Symbol.asyncDispose]();
    },
  };
}

t.test('a login whose answer waits to be read is not too slow, nor what is left of it', async (t) => {
  const clock = new ManualClock();
  const asked = event();
  await using gateway = await scriptedGateway(async (socket) => {
    const requests = requestsOf(socket);
    for (const answer of [ANSWERS.challenge, ANSWERS.complete, ANSWERS.connected()]) {
      await requests.next();
      asked.resolve();
      await woken.promise;
      socket.write(answer);
    }
  });
  const woken = event();
  const connecting = gateway.connect({ clock });
  await asked.promise;
  clock.advance(29_999);
  await wakeAfterAnHour(clock);
  woken.resolve();
  const client = await connecting;
  t.ok(client.connected);
  await client.close();
});

t.test('a login that is not answered is given up in time', async (t) => {
  const clock = new ManualClock();
  const asked = event();
  await using gateway = await scriptedGateway(async (socket) => {
    await requestsOf(socket).next();
    asked.resolve();
  });
  const failed = t.rejects(gateway.connect({ clock }), { code: 'ERR_TIMEOUT', message: /30 s/ });
  await asked.promise;
  clock.advance(30_000);
  await failed;
});

t.test('a gateway is not dead because the client was away', async (t) => {
  const ended: unknown[] = [];
  const clock = new ManualClock();
  const requests: number[] = [];
  const probed = event();
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket, { 'X-CSTP-DPD': '10' });
    socket.on('data', (chunk: Buffer) => {
      requests.push(chunk[6]!);
      probed.resolve();
    });
  });
  const client = await gateway.connect({ clock, onDisconnect: (error) => ended.push(error) });
  clock.advance(10_000);
  await wakeAfterAnHour(clock);
  t.ok(client.connected);
  t.strictSame(ended, []);
  // A silence of which the client was a witness is judged: asked about after one period, and the end after two.
  clock.advance(5_000);
  await probed.promise;
  t.strictSame(new Set(requests), new Set([CstpType.DpdRequest]));
  t.ok(client.connected);
  clock.advance(10_000);
  t.match(ended, [{ code: 'ERR_CLIENT_DISCONNECTED', message: /silent for/ }]);
});

t.test('bytes that waited prove that the gateway is alive', async (t) => {
  const clock = new ManualClock();
  const socketOf = event<import('node:tls').TLSSocket>();
  await using gateway = await scriptedGateway(async (socket) => {
    await welcome(socket, { 'X-CSTP-DPD': '10' });
    socketOf.resolve(socket);
  });
  const client = await gateway.connect({ clock });
  const socket = await socketOf.promise;
  clock.advance(20_000);
  socket.write(serializeCstp(CstpType.Keepalive));
  await wakeAfterAnHour(clock);
  clock.advance(20_000);
  t.ok(client.connected, 'two periods of silence after them');
  await client.close();
});

t.test('a connection through the tunnel whose answer waits to be read opens', async (t) => {
  const asked = event<TcpConnectRequest>();
  await using one = await bench({ onTcp: (request) => asked.resolve(request) });
  const opening = one.client.openTcp('10.0.0.1', 80);
  const request = await asked.promise;
  one.clock.advance(14_999);
  await wakeAfterAnHour(one.clock);
  request.accept().handler = { onData: () => {}, onClose: () => {} };
  const stream = await opening;
  t.notOk(stream.destroyed);
  stream.on('error', () => {}).destroy();
});

t.test('a connection that nobody answers is given up in time', async (t) => {
  const asked = event<TcpConnectRequest>();
  await using one = await bench({ onTcp: (request) => asked.resolve(request) });
  const failed = t.rejects(one.client.openTcp('10.0.0.1', 80), { code: 'ERR_CLIENT_OPEN', message: /within 15 s/ });
  await asked.promise;
  one.clock.advance(15_000);
  await failed;
});

t.test('a datagram and a ping whose answers wait to be read are answered', async (t) => {
  const asked = event<{ request: UdpFlowRequest; payload: Buffer }>();
  const pinging = event();
  await using one = await bench({
    onEcho: () => {
      pinging.resolve();
      return true;
    },
    onUdp: (request) => {
      const take: UdpDatagramHandler = (payload) => asked.resolve({ request, payload });
      const flow = request.accept(take);
      void answer.promise.then(() => flow.send(Buffer.from('pong'), request.localAddress, request.localPort));
    },
  });
  const answer = event();
  const exchanged = one.client.exchangeUdp('10.0.0.1', 7, Buffer.from('ping'), 1000);
  await asked.promise;
  one.clock.advance(999);
  await wakeAfterAnHour(one.clock);
  answer.resolve();
  t.equal((await exchanged).toString(), 'pong');
  const pinged = one.client.ping('10.0.0.1', 1000);
  await pinging.promise;
  one.clock.advance(999);
  await wakeAfterAnHour(one.clock);
  t.ok((await pinged) >= HOUR, 'whatever the round trip was');
});

t.test('a look-up whose answer waits to be read is answered, and not asked again before', async (t) => {
  const questions: Buffer[] = [];
  let asked = event();
  const answers: (() => void)[] = [];
  await using one = await bench({
    onUdp: (request) => {
      const flow = request.accept((payload) => {
        questions.push(payload);
        answers.push(() => {
          const query = parseDnsQuery(payload);
          const records = [{ type: 'A', ttl: 1, data: '10.0.0.9' }];
          const bytes = serializeDnsAnswer(query, { rcode: 0, records, authoritative: true }, 512);
          flow.send(bytes, request.localAddress, request.localPort);
        });
        asked.resolve();
      });
    },
  });
  const resolving = one.client.resolve('intranet.contoso.internal');
  for (let tries = 1; tries < 4; tries++) {
    await asked.promise;
    asked = event();
    one.clock.advance(1000);
  }
  await asked.promise;
  t.equal(questions.length, 4, 'the last try');
  one.clock.advance(999);
  await wakeAfterAnHour(one.clock);
  answers.at(-1)!();
  t.strictSame(await resolving, ['10.0.0.9']);
  t.equal(questions.length, 4);
});
