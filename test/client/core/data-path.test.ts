import t from 'tap';
import type { DatagramSink } from '../../../src/client/core/carrier.ts';
import { DataPath } from '../../../src/client/core/data-path.ts';
import type { DtlsAssociation } from '../../../src/dtls/association/types.ts';
import { DtlsServer } from '../../../src/dtls/server.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { DtlsPacketType } from '../../../src/wire/dtls-channel.ts';
import { PSK, SERVER } from '../../support/dtls-link.ts';

/* The DTLS channel of a client on a clock of its own, with a gateway's end in memory. */

const BEGIN = 1_000_000;
const FIRST_PORT = 5000;

interface Options {
  readonly unansweredLimit?: number;
  readonly dpd?: number;
  readonly keepalive?: number;
}

async function setup({ unansweredLimit = 0, dpd = 0, keepalive = 0 }: Options = {}) {
  let now = BEGIN;
  const log: string[] = [];
  const received: Buffer[] = [];
  const ports: { readonly sink: DatagramSink; open: boolean }[] = [];
  const queue: (() => void)[] = [];
  let association: DtlsAssociation<string> | undefined;
  const server: DtlsServer<string> = new DtlsServer<string>({
    lookup: () => ({ kind: 'psk', key: PSK, context: 'c', session: 'c' }),
    onConnect: (connected) => {
      association = connected;
    },
    onData: (_association, buffer, offset, length) =>
      received.push(Buffer.from(buffer.subarray(offset, offset + length))),
    send: (buffer, offset, length, { port }) => {
      const datagram = Buffer.from(buffer.subarray(offset, offset + length));
      queue.push(() => {
        const to = ports[port - FIRST_PORT]!;
        if (!to.open) return;
        to.sink.onDatagram(datagram);
        to.sink.onBatchEnd();
      });
    },
  });
  const path = new DataPath({
    carrier: {
      connect: () => Promise.reject(new Error('nobody connects')),
      datagrams: async (_target, sink) => {
        const port = { sink, open: true };
        const number = FIRST_PORT + ports.push(port) - 1;
        return {
          send: (buffer, offset, length) => {
            const datagram = Buffer.from(buffer.subarray(offset, offset + length));
            queue.push(() => server.input(datagram, { address: '10.0.0.2', port: number, family: 'IPv4' }, now));
          },
          close: () => {
            port.open = false;
          },
        };
      },
    },
    random: seededRandom(3),
    protection: undefined,
    keylog: undefined,
    dtlsRetry: { first: 10_000, most: 60_000 },
    unansweredLimit,
    now: () => now,
    wake: () => {},
    onBatch: () => log.push('begin'),
    onPacket: (buffer, offset, length) => log.push(buffer.toString('hex', offset, offset + length)),
    onBatchEnd: () => log.push('end'),
    onPath: (up, why) => log.push(`${up ? 'up' : 'down'}: ${why}`),
    onDisconnect: () => log.push('goodbye'),
  });
  /** Lets everything arrive that is on its way. */
  const settle = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    for (let next = queue.shift(); next; next = queue.shift()) next();
  };
  path.offer({
    target: { host: SERVER.address, port: SERVER.port },
    credentials: { kind: 'psk', key: PSK, identity: 'psk' },
    id: Buffer.alloc(32, 1),
    suites: undefined,
    dpd,
    keepalive,
    // Nothing is left to search for.
    leastMtu: 1000,
    mtu: 1000,
  });
  await settle();
  return {
    path,
    log,
    ports,
    settle,
    /** What came to the gateway since the last look: types, and what follows them. */
    sent: () => received.splice(0).map((bytes) => bytes.toString('hex')),
    /** The gateway sends bytes, type first. */
    come: async (hex: string) => {
      const bytes = Buffer.from(hex, 'hex');
      association!.send(bytes, 0, bytes.length);
      await settle();
    },
    end: async () => {
      association!.close();
      await settle();
    },
    /** Time passes up to so many milliseconds after the handshake. When the path wants to be called again. */
    at: async (ms: number) => {
      now = BEGIN + ms;
      const due = path.tick(now, 0) - BEGIN;
      await settle();
      return due;
    },
    ask: (patience: number) => path.question(now, patience),
  };
}

const PROBE = `0${DtlsPacketType.DpdRequest}`;
const UP = 'up: the DTLS handshake is complete';

t.test('packets come in batches of which each has its begin and its end', async (t) => {
  const { path, log, come, sent } = await setup();
  await come('004501');
  await come('0007');
  await come('07');
  t.strictSame(log, [UP, 'begin', '4501', 'end', 'begin', '07', 'end'], 'a keepalive is no packet');
  t.equal(path.send(Buffer.from('ff4502', 'hex'), 1, 2), true);
  t.equal(path.send(Buffer.alloc(1002), 1, 1001), false, 'larger than what passes');
  await come('0008');
  t.strictSame(sent(), ['004502']);
});

t.test('a DPD request is answered with what it carried, and a goodbye is passed on', async (t) => {
  const { log, come, sent, settle } = await setup();
  await come('03aabbcc');
  await settle();
  t.strictSame(sent(), ['04aabbcc']);
  await come('05b0');
  t.strictSame(log, [UP, 'goodbye']);
});

t.test('a channel that the gateway ends is left, and begun anew after a pause', async (t) => {
  const { path, log, ports, at, end } = await setup();
  await end();
  t.match(log, [UP, /^down: the DTLS channel ended: /]);
  t.equal(path.state, 'waiting');
  const retryAt = await at(0);
  t.ok(retryAt >= 5_000 && retryAt <= 10_000, `${retryAt} ms`);
  t.equal(ports.length, 1);
  await at(retryAt);
  t.equal(ports.length, 2);
  t.equal(path.up, true);
  t.strictSame(
    ports.map(({ open }) => open),
    [false, true],
  );
});

t.test('without its tunnel the channel is gone, at once and for good', async (t) => {
  const { path, log, ports, at, come, ask } = await setup({ dpd: 30_000 });
  path.withdraw('the tunnel is gone');
  t.strictSame(log, [UP, 'down: the tunnel is gone']);
  t.equal(path.state, 'off');
  t.equal(ports[0]!.open, false);
  path.withdraw('again');
  path.renew('no reason');
  ask(1000);
  await come('0045');
  t.equal(await at(1e9), Number.POSITIVE_INFINITY);
  t.strictSame([log.length, ports.length], [2, 1]);
  t.equal(path.send(Buffer.alloc(100), 1, 50), false);
});

t.test('after a sleep the gateway is asked at once and each second, and left when its time is over', async (t) => {
  const { path, log, at, ask, sent, settle } = await setup({ unansweredLimit: 3_500 });
  await at(60_000);
  t.strictSame(sent(), [], 'there was nothing to ask');
  path.pause();
  ask(2_500);
  await settle();
  t.strictSame(sent(), [PROBE]);
  t.equal(await at(60_000), 61_000);
  await at(60_999);
  t.strictSame(sent(), []);
  await at(61_000);
  t.strictSame(sent(), [PROBE]);
  t.equal(await at(62_499), 62_500);
  t.equal(path.up, true);
  await at(62_500);
  t.match(log, [UP, 'down: data was unanswered for 3.5 s']);
});

t.test('a gateway that answers after a sleep is left alone, and what it sent meanwhile is lost', async (t) => {
  const { path, log, at, ask, come } = await setup({ unansweredLimit: 3_500 });
  path.pause();
  await come('0045');
  ask(2_500);
  await come('04');
  await at(60_000);
  t.strictSame(log, [UP]);
  await come('0046');
  t.strictSame(log, [UP, 'begin', '46', 'end']);
});

t.test(
  'silence is asked about after one DPD period, again each half of one, and ends the channel after two',
  async (t) => {
    const { path, log, at, sent } = await setup({ dpd: 30_000 });
    t.equal(await at(29_999), 30_000);
    t.strictSame(sent(), []);
    t.equal(await at(30_000), 45_000);
    t.strictSame(sent(), [PROBE]);
    t.equal(await at(44_999), 45_000);
    t.strictSame(sent(), []);
    t.equal(await at(45_000), 60_000);
    t.strictSame(sent(), [PROBE]);
    await at(60_000);
    t.equal(path.up, true);
    await at(60_001);
    t.match(log.slice(0, 2), [UP, 'down: nothing was received over DTLS for 60 s']);
  },
);

t.test('data is asked about when it was unanswered for a second, and ends the channel with its patience', async (t) => {
  const { path, log, at, sent, come, settle } = await setup({ unansweredLimit: 3_500 });
  const send = async (): Promise<void> => {
    path.send(Buffer.alloc(100), 1, 1);
    await settle();
    t.strictSame(sent(), ['0000']);
  };
  await at(60_000);
  await send();
  t.equal(await at(60_999), 61_000);
  t.strictSame(sent(), []);
  await at(61_000);
  t.strictSame(sent(), [PROBE]);
  await come('04');
  t.equal(await at(69_000), Number.POSITIVE_INFINITY, 'it is answered');
  t.strictSame(sent(), []);
  await send();
  t.equal(await at(69_000), 70_000, 'and the next data has a second, too');
  t.strictSame(sent(), []);
  await at(72_499);
  t.equal(path.up, true);
  await at(72_500);
  t.match(log, [UP, 'down: data was unanswered for 3.5 s']);
});

t.test('a keepalive is sent when nothing else was for its period', async (t) => {
  const { path, at, sent, settle } = await setup({ keepalive: 20_000 });
  t.equal(await at(19_999), 20_000);
  path.send(Buffer.alloc(100), 1, 1);
  await settle();
  t.strictSame(sent(), ['0000']);
  t.equal(await at(20_000), 39_999);
  t.strictSame(sent(), []);
  await at(39_999);
  t.strictSame(sent(), ['07']);
});
