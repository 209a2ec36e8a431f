import t from 'tap';
import type { Carrier, DatagramSink } from '../../../src/client/core/index.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { ClientCarrier } from '../../../src/load/engine/client-carrier.ts';

const TARGET = { host: '192.0.2.1', port: 443 };
const DATAGRAM = Buffer.from('x');

/** A client's network, and the ports that are open below it, by number. */
function lab() {
  const open = new Set<number>();
  const sinks: DatagramSink[] = [];
  let sent = 0;
  const below: Carrier = {
    connect: () => Promise.reject(new Error('nobody connects')),
    datagrams: async (_target, sink) => {
      const number = sinks.push(sink) - 1;
      open.add(number);
      return { send: () => void sent++, close: () => void open.delete(number) };
    },
  };
  const carrier = new ClientCarrier(below, seededRandom(1), false);
  const received: number[] = [];
  return {
    carrier,
    below,
    received,
    get open() {
      return [...open];
    },
    get sent() {
      return sent;
    },
    /** A port of the client that has sent something, and what takes datagrams for it below. */
    port: async () => {
      const number = sinks.length;
      const port = await carrier.datagrams(TARGET, {
        onDatagram: () => received.push(number),
        onBatchEnd: () => {},
      });
      port.send(DATAGRAM, 0, 1);
      return { ...port, hear: () => sinks[number]!.onDatagram(DATAGRAM) };
    },
  };
}

t.test(
  'a port that is closed while its datagrams are lost stays open to the gateway, until they pass again',
  async (t) => {
    const world = lab();
    const port = await world.port();
    world.carrier.lose(1);
    port.close();
    t.strictSame(world.open, [0], 'nothing answers for the machine that there is no such port');
    port.hear();
    t.strictSame(world.received, []);
    world.carrier.lose(0);
    t.strictSame(world.open, []);
  },
);

t.test('what the gateway never heard of is closed at once, and so is everything where nothing is lost', async (t) => {
  const world = lab();
  (await world.port()).close();
  t.strictSame(world.open, []);
  world.carrier.lose(1);
  const tried = await world.port();
  t.equal(world.sent, 1);
  tried.close();
  t.strictSame(world.open, []);
});

t.test('after a move the old port is kept until a new one is heard of, and leads nowhere', async (t) => {
  const world = lab();
  const old = await world.port();
  world.carrier.moveTo(world.below);
  old.send(DATAGRAM, 0, 1);
  t.equal(world.sent, 1);
  old.close();
  const next = await world.port();
  old.hear();
  t.strictSame(world.open, [0, 1]);
  next.hear();
  t.strictSame(world.open, [1]);
  t.strictSame(world.received, [1]);
});

t.test('of several that are closed the last one is kept, and none when the client leaves', async (t) => {
  const world = lab();
  const ports = [await world.port(), await world.port()];
  world.carrier.reset();
  for (const port of ports) port.close();
  t.strictSame(world.open, [1]);
  world.carrier.close();
  t.strictSame(world.open, []);
});
