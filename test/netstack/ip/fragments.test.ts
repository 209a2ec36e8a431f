import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { createNetstack, type Netstack, type NetstackOptions } from '../../../src/netstack/index.ts';
import { icmpMessage, ipPacket, readPacket, type SeenPacket, udpDatagram } from '../../support/ip-packets.ts';

const CLIENT = '169.254.0.2';
const HOST = '10.20.0.10';
const CLIENT_6 = 'fd00::2';
const HOST_6 = 'fd20::10';

interface Bench {
  readonly stack: Netstack;
  readonly sent: SeenPacket[];
  readonly received: Buffer[];
  input(packet: Buffer): void;
}

const bench = (options: Partial<NetstackOptions> = {}): Bench => {
  const sent: SeenPacket[] = [];
  const received: Buffer[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => sent.push(readPacket(Buffer.from(buffer.subarray(offset, offset + length)))),
    random: seededRandom(1),
    now: 1_000,
    mtu: 1_400,
    onUdp: (request) => void request.accept((payload) => received.push(payload)),
    ...options,
  });
  return { stack, sent, received, input: (packet) => stack.input(packet, 0, packet.length) };
};

const payloadOf = (length: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, i) => (i * 131 + (i >> 8)) & 0xff));

/** A UDP datagram cut into fragments at the given places, which are multiples of eight. */
const fragments = (payload: Buffer, cuts: readonly number[], family: 4 | 6 = 4, id = 7): Buffer[] => {
  const [source, destination] = family === 4 ? [CLIENT, HOST] : [CLIENT_6, HOST_6];
  const whole = udpDatagram({ source, sourcePort: 4_000, destination, destinationPort: 5_000, payload });
  const edges = [0, ...cuts, whole.length];
  return edges.slice(0, -1).map((at, i) =>
    ipPacket({
      source,
      destination,
      protocol: 17,
      id,
      fragment: { at, more: i < edges.length - 2 },
      payload: whole.subarray(at, edges[i + 1]),
    }),
  );
};

for (const family of [4, 6] as const) {
  t.test(
    `IPv${family}: fragments in any order, with duplicates, make the packet again (RFC 791 §3.2, RFC 8200 §4.5)`,
    async (t) => {
      fc.assert(
        fc.property(
          fc.integer({ min: 100, max: 6_000 }).chain((length) =>
            fc.record({
              length: fc.constant(length),
              cuts: fc.uniqueArray(fc.integer({ min: 1, max: Math.floor((length + 7) / 8) }), {
                minLength: 1,
                maxLength: 8,
              }),
              order: fc.array(fc.nat(1_000), { minLength: 10, maxLength: 10 }),
              twice: fc.boolean(),
            }),
          ),
          ({ length, cuts, order, twice }) => {
            const one = bench();
            const payload = payloadOf(length);
            const places = cuts.map((cut) => cut * 8).sort((a, b) => a - b);
            const pieces = fragments(payload, places, family).map((packet, i) => ({
              packet,
              rank: order[i % order.length]! + i / 100,
            }));
            pieces.sort((a, b) => a.rank - b.rank);
            for (const { packet } of pieces.slice(0, -1)) {
              one.input(packet);
              if (twice) one.input(packet);
            }
            const early = one.received.length;
            one.input(pieces.at(-1)!.packet);
            return early === 0 && one.received.length === 1 && one.received[0]!.equals(payload);
          },
        ),
        { numRuns: 200 },
      );
      t.pass();
    },
  );

  t.test(`IPv${family}: fragments that overlap drop the whole packet (RFC 5722)`, async (t) => {
    const one = bench();
    const [first, second] = fragments(payloadOf(2_000), [1_000], family);
    const [source, destination] = family === 4 ? [CLIENT, HOST] : [CLIENT_6, HOST_6];
    one.input(first!);
    one.input(
      ipPacket({
        source,
        destination,
        protocol: 17,
        id: 7,
        fragment: { at: 992, more: true },
        payload: Buffer.alloc(64),
      }),
    );
    t.equal(one.stack.stats()['dropFragmentOverlap'], 1);
    one.input(second!);
    t.equal(one.received.length, 0);
  });

  t.test(
    `IPv${family}: what is not complete in time is dropped, and the sender told (RFC 792, RFC 4443 §3.3)`,
    async (t) => {
      const one = bench();
      one.input(fragments(payloadOf(2_000), [1_000], family)[0]!);
      t.equal(one.stack.nextDeadline, 31_000);
      one.stack.tick(30_999);
      t.equal(one.sent.length, 0);
      one.stack.tick(31_000);
      t.equal(one.stack.stats()['dropFragmentTimeout'], 1);
      const [message] = one.sent;
      t.match(message, { protocol: family === 4 ? 1 : 58 });
      t.strictSame([...message!.payload.subarray(0, 2)], family === 4 ? [11, 1] : [3, 1]);
      t.equal(one.stack.nextDeadline, Infinity);
    },
  );
}

t.test('a later fragment alone raises no message when it times out (RFC 1122 §3.2.2)', async (t) => {
  const one = bench();
  one.input(fragments(payloadOf(2_000), [1_000])[1]!);
  one.stack.tick(60_000);
  t.equal(one.sent.length, 0);
});

t.test('fragments of another packet, sender or protocol are kept apart', async (t) => {
  const one = bench();
  const [a1, a2] = fragments(payloadOf(2_000), [1_000], 4, 1);
  const [b1, b2] = fragments(payloadOf(1_500), [800], 4, 2);
  for (const packet of [a1!, b1!, b2!, a2!]) one.input(packet);
  t.strictSame(
    one.received.map((payload) => payload.length),
    [1_500, 2_000],
  );
});

t.test('malformed fragments are counted and harm nothing', async (t) => {
  const one = bench();
  const make = (at: number, more: boolean, length: number): Buffer =>
    ipPacket({
      source: CLIENT,
      destination: HOST,
      protocol: 17,
      id: 9,
      fragment: { at, more },
      payload: Buffer.alloc(length),
    });
  one.input(make(0, true, 13)); // not the last, and no multiple of eight
  one.input(make(8, true, 0)); // empty
  one.input(make(65_528, false, 1_000)); // beyond the largest packet: the "ping of death"
  t.equal(one.stack.stats()['dropFragmentBad'], 3);
  t.equal(one.received.length, 0);
});

t.test('memory for fragments is bounded in packets and bytes, the oldest goes first', async (t) => {
  const one = bench({ limits: { fragmentPackets: 4, fragmentBytes: 5_000 } });
  for (let id = 1; id <= 6; id++) one.input(fragments(payloadOf(1_200), [800], 4, id)[0]!);
  t.equal(one.stack.stats()['dropFragmentLimit'], 2);
  one.input(fragments(payloadOf(1_200), [800], 4, 1)[1]!);
  t.equal(one.received.length, 0, 'the first was given up');
  one.input(fragments(payloadOf(1_200), [800], 4, 6)[1]!);
  t.equal(one.received.length, 1, 'the newest was kept');
});

t.test('a last fragment that contradicts what came before drops the packet', async (t) => {
  const one = bench();
  const make = (at: number, more: boolean, length: number): Buffer =>
    ipPacket({
      source: CLIENT,
      destination: HOST,
      protocol: 17,
      id: 9,
      fragment: { at, more },
      payload: Buffer.alloc(length),
    });
  one.input(make(800, false, 100));
  one.input(make(1_600, false, 100));
  t.equal(one.stack.stats()['dropFragmentOverlap'], 1);
});

t.test('an atomic IPv6 fragment is a packet of its own (RFC 6946)', async (t) => {
  const one = bench();
  const payload = payloadOf(100);
  const datagram = udpDatagram({ source: CLIENT_6, sourcePort: 1, destination: HOST_6, destinationPort: 2, payload });
  one.input(
    ipPacket({
      source: CLIENT_6,
      destination: HOST_6,
      protocol: 17,
      fragment: { at: 0, more: false },
      payload: datagram,
    }),
  );
  t.ok(one.received[0]!.equals(payload));
  t.equal(one.stack.stats()['fragmentsIn'], 0);
});

t.test('IPv4 options are tolerated, in whole packets and in fragments', async (t) => {
  const one = bench();
  const payload = payloadOf(64);
  const datagram = udpDatagram({ source: CLIENT, sourcePort: 1, destination: HOST, destinationPort: 2, payload });
  one.input(
    ipPacket({
      source: CLIENT,
      destination: HOST,
      protocol: 17,
      payload: datagram,
      options: Buffer.from([1, 1, 1, 0]),
    }),
  );
  t.ok(one.received[0]!.equals(payload));
});

const extension = (next: number, units = 0, fill = 0): Buffer => {
  const bytes = Buffer.alloc(8 + 8 * units, fill);
  bytes[0] = next;
  bytes[1] = units;
  return bytes;
};

t.test('IPv6 extension headers in front of the payload are skipped (RFC 8200 §4)', async (t) => {
  const one = bench();
  const payload = payloadOf(50);
  const datagram = udpDatagram({ source: CLIENT_6, sourcePort: 1, destination: HOST_6, destinationPort: 2, payload });
  const chain = Buffer.concat([extension(60), extension(43, 2), extension(17, 1)]);
  chain[8 + 3] = 0; // a routing header without further stops
  one.input(
    ipPacket({
      source: CLIENT_6,
      destination: HOST_6,
      protocol: 17,
      payload: datagram,
      extensions: { first: 0, bytes: chain },
    }),
  );
  t.equal(one.received.length, 1);
});

for (const [name, first, bytes] of [
  ['a source route with stops to go', 43, Buffer.concat([Buffer.from([17, 0, 0, 1]), Buffer.alloc(4)])],
  ['hop-by-hop options that do not come first', 60, Buffer.concat([extension(0), extension(17)])],
  ['a chain longer than the packet', 60, Buffer.from([17, 200, 0, 0, 0, 0, 0, 0])],
  [
    'a chain of too many headers',
    60,
    Buffer.concat([...Array.from({ length: 12 }, () => extension(60)), extension(17)]),
  ],
  ['no next header', 59, Buffer.alloc(0)],
] as const) {
  t.test(`${name}: the packet is dropped and counted`, async (t) => {
    const one = bench();
    const datagram = udpDatagram({
      source: CLIENT_6,
      sourcePort: 1,
      destination: HOST_6,
      destinationPort: 2,
      payload: payloadOf(20),
    });
    one.input(
      ipPacket({
        source: CLIENT_6,
        destination: HOST_6,
        protocol: 17,
        payload: datagram,
        extensions: { first, bytes },
      }),
    );
    t.equal(one.received.length, 0);
    t.equal(one.stack.stats()['dropNoNextHeader'], 1);
  });
}

for (const family of [4, 6] as const) {
  t.test(`IPv${family}: an echo larger than the link comes back in fragments that fit it`, async (t) => {
    const one = bench({ mtu: 1_300 });
    const [source, destination] = family === 4 ? [CLIENT, HOST] : [CLIENT_6, HOST_6];
    const body = payloadOf(5_000);
    const message = icmpMessage({
      source,
      destination,
      type: family === 4 ? 8 : 128,
      rest: Buffer.from([0, 1, 0, 2]),
      body,
    });
    for (let at = 0; at < message.length; at += 1_000) {
      const more = at + 1_000 < message.length;
      one.input(
        ipPacket({
          source,
          destination,
          protocol: family === 4 ? 1 : 58,
          id: 3,
          fragment: { at, more },
          payload: message.subarray(at, at + 1_000),
        }),
      );
    }
    const whole = Buffer.concat(one.sent.map((packet) => packet.payload));
    t.ok(one.sent.length > 3);
    t.ok(
      one.sent.every(
        (packet, i) => packet.fragment?.more === i < one.sent.length - 1 && packet.payload.length <= 1_300,
      ),
    );
    t.equal(whole[0], family === 4 ? 0 : 129);
    t.ok(whole.subarray(8).equals(body));
  });
}
