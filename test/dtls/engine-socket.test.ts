import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { openEngineSocket } from '../../src/dtls/engine-socket.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { datagramAcceleration, SocketMemory } from '../../src/udp/index.ts';

const DATAGRAMS = 20;

/** A clock that never shows the same time twice. */
class Ticking extends ManualClock {
  #reads = 0;

  override monotonic(): number {
    return ++this.#reads;
  }
}

for (const acceleration of datagramAcceleration().kind === 'mmsg' ? [true, false] : [false]) {
  t.test(`datagrams that are read together came at one time: ${acceleration ? 'mmsg' : 'dgram'}`, async (t) => {
    const times: number[] = [];
    const all = Promise.withResolvers<void>();
    const engine = { nextDeadline: Number.POSITIVE_INFINITY, tick() {}, close() {} };
    await using opened = await openEngineSocket({
      engine,
      memory: new SocketMemory(),
      input: (_datagram, _from, now) => {
        if (times.push(now) === DATAGRAMS) all.resolve();
      },
      clock: new Ticking(),
      host: '127.0.0.1',
      port: 0,
      acceleration,
    });
    const sender = createSocket('udp4');
    t.teardown(() => sender.close());
    sender.connect(opened.socket.port, '127.0.0.1');
    await once(sender, 'connect');
    // All of them wait in the socket before it is looked at.
    for (let i = 0; i < DATAGRAMS; i++) sender.send(Buffer.from([i]));
    await all.promise;
    const different = new Set(times).size;
    t.ok(different < DATAGRAMS / 2, `${different} times for ${DATAGRAMS} datagrams`);
    t.strictSame(
      times,
      times.toSorted((a, b) => a - b),
    );

    // The batch is over.
    await new Promise(setImmediate);
    const before = times.length;
    sender.send(Buffer.from('later'));
    while (times.length === before) await new Promise(setImmediate);
    t.ok(times.at(-1)! > times[before - 1]!, 'what comes later comes at another time');
  });
}
