import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import type { DatagramReceiver, DatagramSocket, Endpoint } from '../../src/udp/datagram-socket.ts';
import { DgramSocket } from '../../src/udp/dgram-socket.ts';
import { openDatagramSocket } from '../../src/udp/index.ts';
import { type Libc, loadLibc } from '../../src/udp/libc.ts';
import { MmsgSocket } from '../../src/udp/mmsg-socket.ts';
import { watchByPipe } from '../../src/udp/readiness.ts';
import { decodeSocketAddress, encodeSocketAddress } from '../../src/udp/socket-address.ts';
import { skipWithout } from '../support/accelerator.ts';

const libc = loadLibc();
const skip = skipWithout(t, libc);

interface Received {
  readonly bytes: Buffer;
  readonly from: Endpoint;
}

/** Collects what a socket receives, and lets a test wait for a number of datagrams. */
class Collector implements DatagramReceiver {
  readonly received: Received[] = [];
  batches = 0;
  onEach: ((datagram: Received) => void) | undefined;
  #waiting: { count: number; resolve: () => void } | undefined;

  onDatagram(buffer: Buffer, offset: number, length: number, from: Endpoint): void {
    const datagram = { bytes: Buffer.from(buffer.subarray(offset, offset + length)), from };
    this.received.push(datagram);
    this.onEach?.(datagram);
  }

  onBatchEnd(): void {
    this.batches++;
    if (this.#waiting && this.received.length >= this.#waiting.count) this.#waiting.resolve();
  }

  until(count: number): Promise<void> {
    if (this.received.length >= count) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiting = { count, resolve };
    });
  }
}

type Open = (host: string, receiver: DatagramReceiver, port?: number, maxDatagram?: number) => Promise<DatagramSocket>;

const kinds: [string, Open][] = [['dgram', (host, receiver, port = 0) => DgramSocket.open({ host, port, receiver })]];
if (typeof libc !== 'string') {
  kinds.push([
    'mmsg',
    (host, receiver, port = 0, maxDatagram = 2048) => MmsgSocket.open(libc, { host, port, receiver, maxDatagram }),
  ]);
  kinds.push([
    'mmsg, watched as a pipe',
    (host, receiver, port = 0, maxDatagram = 2048) =>
      MmsgSocket.open(libc, { host, port, receiver, maxDatagram }, watchByPipe),
  ]);
}

for (const [kind, open] of kinds) {
  t.test(kind, async (t) => {
    t.test('of a flood no turn of the event loop takes more than a few calls', async (t) => {
      const right = new Collector();
      await using a = await open('127.0.0.1', new Collector());
      await using b = await open('127.0.0.1', right);
      const to = a.endpoint('127.0.0.1', b.port);
      let turn = 0;
      const inTurn: number[] = [];
      right.onEach = () => {
        inTurn[turn] = (inTurn[turn] ?? 0) + 1;
      };
      const count = (): void => {
        turn++;
        if (right.received.length < 300) setImmediate(count);
      };
      // All of them are with the system before the event loop has its next turn.
      for (let i = 0; i < 300; i++) {
        a.send(Buffer.from([i]), 0, 1, to);
        if (i % 50 === 49) a.flush();
      }
      setImmediate(count);
      await right.until(300);
      const most = Math.max(...inTurn.filter((datagrams) => datagrams !== undefined));
      t.ok(most <= 2 * 64 + 32, `${most} in one turn`);
    });
    for (const [host, family] of [
      ['127.0.0.1', 'IPv4'],
      ['::1', 'IPv6'],
    ] as const) {
      t.test(`random datagrams over ${family} arrive whole, in order, from the right endpoint`, async (t) => {
        const random = seededRandom(7);
        const left = new Collector();
        const right = new Collector();
        await using a = await open(host, left);
        await using b = await open(host, right);
        const to = a.endpoint(host, b.port);
        const sent: Buffer[] = [];
        // in portions that every receive buffer holds
        for (let round = 0; round < 10; round++) {
          for (let i = 0; i < 100; i++) {
            const datagram = random.bytes(1 + (random.uint32() % 1472));
            sent.push(datagram);
            t.ok(a.send(datagram, 0, datagram.length, to));
          }
          await right.until(sent.length);
        }
        t.same(
          right.received.map((d) => d.bytes.toString('latin1')),
          sent.map((d) => d.toString('latin1')),
        );
        const first = right.received[0]!.from;
        t.match(first, {
          address: host,
          port: a.port,
          family,
          key: family === 'IPv4' ? `${host}:${a.port}` : `[${host}]:${a.port}`,
        });
        t.ok(
          right.received.every((d) => d.from === first),
          'one object for one endpoint',
        );
        t.ok(b.send(Buffer.from('xxback'), 2, 4, first), 'an endpoint can be answered');
        await left.until(1);
        t.equal(left.received[0]!.bytes.toString(), 'back');
        t.match(b.stats, { received: 1000, sendErrors: 0, truncated: 0 });
        t.equal(a.stats.sent, 1000);
      });
    }

    t.test('what is written into the reserved room is sent by commit, and by nothing else', async (t) => {
      const collector = new Collector();
      await using a = await open('127.0.0.1', new Collector());
      await using b = await open('127.0.0.1', collector);
      const to = a.endpoint('127.0.0.1', b.port);
      t.ok(a.reserve(100));
      a.reserved.write('thrown away', a.reservedOffset);
      t.ok(a.reserve(100));
      a.reserved.write('kept', a.reservedOffset);
      a.commit(4, to);
      a.flush();
      await collector.until(1);
      t.equal(collector.received.length, 1);
      t.equal(collector.received[0]!.bytes.toString(), 'kept');
    });

    t.test('many senders are told apart', async (t) => {
      const collector = new Collector();
      await using b = await open('127.0.0.1', collector);
      const senders = await Promise.all(Array.from({ length: 20 }, () => open('127.0.0.1', new Collector())));
      for (const [i, sender] of senders.entries()) {
        sender.send(Buffer.from(String(i)), 0, String(i).length, sender.endpoint('127.0.0.1', b.port));
      }
      await collector.until(20);
      for (const { bytes, from } of collector.received) t.equal(from.port, senders[Number(bytes.toString())]!.port);
      await Promise.all(senders.map((sender) => sender.close()));
    });

    t.test('answers written while a batch is delivered all go out', async (t) => {
      const answers = new Collector();
      const echo = new Collector();
      await using client = await open('127.0.0.1', answers);
      await using server = await open('127.0.0.1', echo);
      echo.onEach = ({ bytes, from }) => {
        server.send(bytes, 0, bytes.length, from);
        server.send(bytes, 0, bytes.length, from);
        server.send(bytes, 0, bytes.length, from);
      };
      const to = client.endpoint('127.0.0.1', server.port);
      for (let i = 0; i < 64; i++) client.send(Buffer.from([i]), 0, 1, to);
      await answers.until(192);
      t.equal(server.stats.sent, 192);
    });

    t.test('a peer that is not there, or cannot be reached, ends nothing', async (t) => {
      const collector = new Collector();
      await using a = await open('127.0.0.1', new Collector());
      await using b = await open('127.0.0.1', collector);
      const vacant = createSocket('udp4');
      vacant.bind(0, '127.0.0.1');
      await once(vacant, 'listening');
      const { port } = vacant.address();
      vacant.close();
      await once(vacant, 'close');
      const to = a.endpoint('127.0.0.1', b.port);
      for (let i = 0; i < 3; i++) {
        a.send(Buffer.from('lost'), 0, 4, a.endpoint('127.0.0.1', port));
        // from a loopback address there is no way out: EINVAL or ENETUNREACH, in the middle of a batch
        a.send(Buffer.from('refused'), 0, 7, a.endpoint('203.0.113.1', 9));
        a.send(Buffer.from('good'), 0, 4, to);
        a.flush();
      }
      await collector.until(3);
      t.ok(collector.received.every((d) => d.bytes.toString() === 'good'));
      t.equal(a.stats.sendErrors, 3);
    });

    t.test('a port that is taken is refused with the code that dgram uses', async (t) => {
      await using a = await open('127.0.0.1', new Collector());
      await t.rejects(open('127.0.0.1', new Collector(), a.port), {
        code: 'EADDRINUSE',
        syscall: 'bind',
        port: a.port,
      });
    });

    t.test('after close nothing is sent, and closing twice is harmless', async (t) => {
      const a = await open('127.0.0.1', new Collector());
      const to = a.endpoint('127.0.0.1', 9);
      const { port } = a;
      a.send(Buffer.from('x'), 0, 1, to);
      await a.close();
      await a.close();
      t.notOk(a.send(Buffer.from('x'), 0, 1, to));
      a.flush();
      await using again = await open('127.0.0.1', new Collector(), port);
      t.equal(again.port, port, 'the port is free again');
    });

    t.test('closing from within a delivery is safe', async (t) => {
      let resolve: () => void;
      const closed = new Promise<void>((done) => {
        resolve = done;
      });
      let count = 0;
      const b: DatagramSocket = await open('127.0.0.1', {
        onDatagram() {
          count++;
          if (count === 2) void b.close().then(resolve);
        },
        onBatchEnd() {},
      });
      await using a = await open('127.0.0.1', new Collector());
      const to = a.endpoint('127.0.0.1', b.port);
      for (let i = 0; i < 50; i++) a.send(Buffer.from('x'), 0, 1, to);
      a.flush();
      await closed;
      t.equal(count, 2);
    });
  });
}

t.test('the two kinds talk to each other', { skip }, async (t) => {
  const left = new Collector();
  const right = new Collector();
  await using a = await kinds[0]![1]('127.0.0.1', left);
  await using b = await kinds[1]![1]('127.0.0.1', right);
  a.send(Buffer.from('ping'), 0, 4, a.endpoint('127.0.0.1', b.port));
  await right.until(1);
  b.send(Buffer.from('pong'), 0, 4, right.received[0]!.from);
  await left.until(1);
  t.equal(left.received[0]!.bytes.toString(), 'pong');
});

t.test(
  'datagrams that leave as one message arrive as they were, whatever their sizes and receivers [udp(7) UDP_SEGMENT]',
  { skip },
  async (t) => {
    const random = seededRandom(11);
    const receivers = [new Collector(), new Collector()];
    await using a = await kinds[1]![1]('127.0.0.1', new Collector());
    await using b = await kinds[0]![1]('127.0.0.1', receivers[0]!);
    await using c = await kinds[1]![1]('127.0.0.1', receivers[1]!);
    const to = [b, c].map((socket) => a.endpoint('127.0.0.1', socket.port));
    const sent: string[][] = [[], []];
    for (let round = 0; round < 60; round++) {
      for (let i = 0; i < 40; i++) {
        // long runs of one size and receiver, now and then another; empty datagrams too
        const which = random.uint32() % 12 === 0 ? 1 : 0;
        const length = [1200, 1200, 1200, 1200, 1200, 1200, 700, 1300, 0][random.uint32() % 9]!;
        const datagram = random.bytes(length);
        sent[which]!.push(datagram.toString('latin1'));
        a.send(datagram, 0, length, to[which]!);
      }
      a.flush();
      await receivers[0]!.until(sent[0]!.length);
      await receivers[1]!.until(sent[1]!.length);
    }
    for (const which of [0, 1]) {
      const received = receivers[which]!.received.map((d) => d.bytes.toString('latin1'));
      t.equal(received.length, sent[which]!.length);
      t.ok(
        received.every((text, i) => text === sent[which]![i]),
        'in order, byte by byte',
      );
    }
    t.equal(a.stats.sent, 2400);
    t.equal(a.stats.sendErrors, 0);
  },
);

t.test('a run of datagrams that cannot be sent as one message is sent one by one', { skip }, async (t) => {
  const collector = new Collector();
  let refused = 0;
  const stubborn: Libc = {
    ...(libc as Libc),
    sendmmsg(fd, vector, count, flags) {
      // the first try, whatever it holds, is refused as by a device without checksum offload
      if (refused++ === 0) return -1;
      return (libc as Libc).sendmmsg(fd, vector, count, flags);
    },
    errno: () => 5,
  };
  await using a = await MmsgSocket.open(stubborn, { host: '127.0.0.1', port: 0, receiver: new Collector() });
  await using b = await kinds[0]![1]('127.0.0.1', collector);
  for (let i = 0; i < 20; i++) a.send(Buffer.alloc(100, i), 0, 100, a.endpoint('127.0.0.1', b.port));
  a.flush();
  await collector.until(20);
  t.same(
    collector.received.map((d) => d.bytes[0]),
    Array.from({ length: 20 }, (_, i) => i),
  );
  t.match(a.stats, { sent: 20, sendErrors: 0, sendCalls: 2 });
});

t.test(
  'while the system takes nothing the queue waits, drops beyond its size, and goes out in order later',
  { skip },
  async (t) => {
    const collector = new Collector();
    let full = true;
    const busy: Libc = {
      ...(libc as Libc),
      sendmmsg: (fd, vector, count, flags) =>
        full ? -1 : (libc as Libc).sendmmsg(fd, vector, Math.min(count, 3), flags),
      errno: () => 11,
    };
    await using a = await MmsgSocket.open(busy, { host: '127.0.0.1', port: 0, receiver: new Collector() });
    await using b = await kinds[0]![1]('127.0.0.1', collector);
    const to = a.endpoint('127.0.0.1', b.port);
    let taken = 0;
    for (let i = 0; i < 200; i++) {
      // sizes that never join, so that partial sends are many
      const length = 1 + (i % 2 === 0 ? i : 400 - i);
      if (a.send(Buffer.alloc(length, i), 0, length, to)) taken++;
    }
    t.equal(taken, 128);
    t.equal(a.stats.sendDropped, 72);
    full = false;
    await collector.until(128);
    t.same(
      collector.received.map((d) => d.bytes[0]),
      Array.from({ length: 128 }, (_, i) => i),
    );
  },
);

t.test('batches need fewer calls than datagrams', { skip }, async (t) => {
  const collector = new Collector();
  await using a = await kinds[1]![1]('127.0.0.1', new Collector());
  await using b = await kinds[1]![1]('127.0.0.1', collector);
  for (let i = 0; i < 100; i++) a.send(Buffer.alloc(500), 0, 500, a.endpoint('127.0.0.1', b.port));
  await collector.until(100);
  t.equal(a.stats.sendCalls, 1);
  t.ok(b.stats.receiveCalls <= 6, `${b.stats.receiveCalls} calls`);
  // Watched as a pipe, no call is for one datagram, and none is in vain.
  const third = new Collector();
  await using c = await kinds[2]![1]('127.0.0.1', third);
  for (let i = 0; i < 100; i++) a.send(Buffer.alloc(500), 0, 500, a.endpoint('127.0.0.1', c.port));
  await third.until(100);
  t.ok(c.stats.receiveCalls <= 3, `${c.stats.receiveCalls} calls`);
});

t.test('a datagram larger than a slot is counted and dropped, the next one arrives', { skip }, async (t) => {
  const collector = new Collector();
  await using a = await kinds[0]![1]('127.0.0.1', new Collector());
  await using b = await kinds[1]![1]('127.0.0.1', collector, 0, 256);
  const to = a.endpoint('127.0.0.1', b.port);
  a.send(Buffer.from('first'), 0, 5, to);
  for (let i = 0; i < 5; i++) a.send(Buffer.alloc(1000, 1), 0, 1000, to);
  a.send(Buffer.from('last'), 0, 4, to);
  await collector.until(2);
  t.ok(collector.received.every((d) => d.bytes.length !== 256));
  t.equal(collector.received.at(-1)!.bytes.toString(), 'last');
  t.notOk(b.send(Buffer.alloc(300), 0, 300, collector.received[0]!.from), 'nor is one sent');
});

t.test('IPv4 clients of a dual-stack socket are shown by their IPv4 address', async (t) => {
  for (const [, open] of kinds) {
    const collector = new Collector();
    const answers = new Collector();
    await using b = await open('::', collector);
    await using a = await open('127.0.0.1', answers);
    a.send(Buffer.from('x'), 0, 1, a.endpoint('127.0.0.1', b.port));
    await collector.until(1);
    const { from } = collector.received[0]!;
    t.match(from, { address: '127.0.0.1', family: 'IPv4', key: `127.0.0.1:${a.port}` });
    b.send(Buffer.from('y'), 0, 1, from);
    await answers.until(1);
    t.equal(answers.received[0]!.bytes.toString(), 'y');
  }
});

t.test('socket addresses are written as the kernel reads them [ip(7), ipv6(7)]', async (t) => {
  // 0200 115c 0a630002 ...                    AF_INET, port 4444, 10.99.0.2
  t.equal(
    Buffer.from(encodeSocketAddress(4, '10.99.0.2', 4444).buffer).toString('hex', 0, 16),
    '0200115c0a6300020000000000000000',
  );
  // 0a00 115c 00000000 fd00...0002 00000000   AF_INET6, port, flow, address, scope
  const six = encodeSocketAddress(6, 'fd00:99::2', 4444);
  t.equal(Buffer.from(six.buffer).toString('hex', 0, 28), '0a00115c00000000fd00009900000000000000000000000200000000');
  t.match(decodeSocketAddress(six, 0), { address: 'fd00:99::2', port: 4444, family: 'IPv6', key: '[fd00:99::2]:4444' });
  t.match(decodeSocketAddress(encodeSocketAddress(6, '192.0.2.1', 1), 0), { address: '192.0.2.1', family: 'IPv4' });
});

t.test(
  'TUNNELITE_ACCELERATION=0, as the setting of that name, leaves everything to node, and one sentence tells what is in use',
  async (t) => {
    const script = `
    import { accelerationInUse, acceleratedProtection } from '${new URL('../../src/dtls/acceleration.ts', import.meta.url).href}';
    import { openDatagramSocket } from '${new URL('../../src/udp/index.ts', import.meta.url).href}';
    const socket = await openDatagramSocket({ host: '127.0.0.1', port: 0, receiver: { onDatagram() {}, onBatchEnd() {} } });
    console.log(JSON.stringify([accelerationInUse(), acceleratedProtection() === undefined, socket.kind]));
    await socket.close();`;
    const run = (value: string) =>
      JSON.parse(
        execFileSync(process.execPath, ['--input-type=module', '-e', script], {
          env: { ...process.env, TUNNELITE_ACCELERATION: value },
          encoding: 'utf8',
        }),
      );
    for (const off of ['0', 'off'])
      t.match(run(off), [{ records: 'node:crypto', datagrams: 'dgram', text: /turned off/ }, true, 'dgram']);
    if (typeof libc !== 'string')
      t.match(run('1'), [{ records: 'evp', datagrams: 'mmsg', text: /^Accelerated: / }, false, 'mmsg']);
  },
);

t.test('without the flag the factory takes the portable socket', async (t) => {
  await using socket = await openDatagramSocket({ host: '127.0.0.1', port: 0, receiver: new Collector() }, false);
  t.equal(socket.kind, 'dgram');
});
