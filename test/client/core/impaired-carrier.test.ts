import t from 'tap';
import { ImpairedCarrier } from '../../../src/client/core/impaired-carrier.ts';
import type { Carrier, DatagramSink } from '../../../src/client/core/index.ts';
import { seededRandom } from '../../../src/lib/random.ts';

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
  const carrier = new ImpairedCarrier(below, seededRandom(1), false);
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

t.test('a port that the gateway knows stays open to it when it is closed, and nothing of it is heard', async (t) => {
  const world = lab();
  const port = await world.port();
  world.carrier.lose(1);
  port.close();
  t.strictSame(world.open, [0], 'nothing answers for the machine that there is no such port');
  world.carrier.lose(0);
  port.hear();
  const next = await world.port();
  next.hear();
  t.strictSame([world.received, world.open], [[1], [0, 1]], 'the gateway may not be through with the first one yet');
  world.carrier.close();
  t.strictSame(world.open, [1], 'until the client leaves');
});

t.test('what the gateway never heard of is closed at once', async (t) => {
  const world = lab();
  world.carrier.lose(1);
  const tried = await world.port();
  t.equal(world.sent, 0);
  tried.close();
  t.strictSame(world.open, []);
});

t.test('after a move the old port leads nowhere', async (t) => {
  const world = lab();
  const old = await world.port();
  world.carrier.moveTo(world.below);
  old.send(DATAGRAM, 0, 1);
  old.hear();
  t.strictSame([world.sent, world.received], [1, []]);
});

t.test('of many that are left the last two are kept', async (t) => {
  const world = lab();
  const ports = [await world.port(), await world.port(), await world.port()];
  for (const port of ports) port.close();
  t.strictSame(world.open, [1, 2]);
});
