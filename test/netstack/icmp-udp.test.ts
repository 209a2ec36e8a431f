import fc from 'fast-check';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, type NetstackOptions, type UdpFlow, type UdpFlowRequest } from '../../src/netstack/index.ts';
import { icmpMessage, ipPacket, readPacket, type SeenPacket, udpDatagram } from '../support/ip-packets.ts';

const CLIENT = '169.254.0.2';
const HOST = '10.20.0.10';
const CLIENT_6 = 'fd00::2';
const HOST_6 = 'fd20::10';

const bench = (options: Partial<NetstackOptions> = {}) => {
  const sent: SeenPacket[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => sent.push(readPacket(Buffer.from(buffer.subarray(offset, offset + length)))),
    random: seededRandom(1),
    now: 0,
    mtu: 1_400,
    ...options,
  });
  const input = (packet: Buffer): void => stack.input(packet, 0, packet.length);
  const udp = (
    payload: string | Buffer,
    port = 53,
    from = 4_000,
    source = CLIENT,
    destination = HOST,
    checksum?: number,
  ): void =>
    input(
      ipPacket({
        source,
        destination,
        protocol: 17,
        payload: udpDatagram({
          source,
          sourcePort: from,
          destination,
          destinationPort: port,
          payload: Buffer.from(payload),
          ...(checksum === undefined ? {} : { checksum }),
        }),
      }),
    );
  return { stack, sent, input, udp };
};

t.test('an echo request is answered with the same bytes (RFC 792, RFC 4443 §4.2)', async (t) => {
  for (const [source, destination, type, reply] of [
    [CLIENT, HOST, 8, 0],
    [CLIENT_6, HOST_6, 128, 129],
  ] as const) {
    const one = bench();
    const body = Buffer.from('abcdefgh');
    one.input(
      ipPacket({
        source,
        destination,
        protocol: type === 8 ? 1 : 58,
        payload: icmpMessage({ source, destination, type, rest: Buffer.from([1, 2, 3, 4]), body }),
      }),
    );
    const payload = one.sent[0]!.payload;
    t.equal(payload[0], reply);
    t.ok(payload.subarray(4).equals(Buffer.concat([Buffer.from([1, 2, 3, 4]), body])));
  }
});

t.test('an address that does not answer, a group, and a broken checksum get no echo', async (t) => {
  const one = bench({ onEcho: ({ localAddress }) => localAddress === HOST });
  const echo = (destination: string, broken = false): void => {
    const message = icmpMessage({ source: CLIENT, destination, type: 8, body: Buffer.from('x') });
    if (broken) message[8]! ^= 1;
    one.input(ipPacket({ source: CLIENT, destination, protocol: 1, payload: message }));
  };
  echo('10.20.0.99');
  echo('224.0.0.1');
  echo('255.255.255.255');
  echo(HOST, true);
  t.equal(one.sent.length, 0);
  t.match(one.stack.stats(), { dropEcho: 1, dropBadAddress: 2, dropIcmpChecksum: 1 });
  echo(HOST);
  t.equal(one.sent.length, 1);
});

t.test(
  'a datagram opens one mapping, and further ones of the same sender belong to it whatever the far end (RFC 4787 REQ-1)',
  async (t) => {
    const requests: UdpFlowRequest[] = [];
    const got: string[] = [];
    const one = bench({
      onUdp: (request) => {
        requests.push(request);
        request.accept((payload, address, port) => got.push(`${payload} to ${address}:${port}`));
      },
    });
    one.udp('one', 53);
    one.udp('two', 99);
    one.udp('three', 53, 4_000, CLIENT, '10.20.0.11');
    t.equal(requests.length, 1);
    t.strictSame(got, [`one to ${HOST}:53`, `two to ${HOST}:99`, 'three to 10.20.0.11:53']);
    one.udp('four', 53, 4_001);
    t.equal(requests.length, 2, 'another port is another mapping');
  },
);

t.test('what a mapping sends comes from the far end that it names, with a right checksum', async (t) => {
  let flow: UdpFlow | undefined;
  const one = bench({
    onUdp: (request) => {
      flow = request.accept(() => {});
    },
  });
  one.udp('q');
  t.ok(flow!.send(Buffer.from('answer'), '10.20.0.53', 53));
  t.match(one.sent[0], { source: '10.20.0.53', destination: CLIENT, protocol: 17 });
  t.equal(one.sent[0]!.payload.subarray(8).toString(), 'answer');
  t.ok(flow!.send(Buffer.alloc(5_000), '10.20.0.53', 53), 'larger than the link: in fragments');
  t.ok(one.sent.length >= 5);
  t.notOk(flow!.send(Buffer.alloc(65_600), '10.20.0.53', 53), 'fits no packet');
  t.notOk(flow!.send(Buffer.from('x'), 'fd20::1', 53), 'of another family');
  flow!.close();
  t.notOk(flow!.send(Buffer.from('x'), '10.20.0.53', 53), 'closed');
});

t.test('a mapping ends after its idle time, and traffic in either direction keeps it', async (t) => {
  let flow: UdpFlow | undefined;
  let closed = 0;
  const one = bench({
    limits: { udpIdle: 1_000 },
    onUdp: (request) => {
      flow = request.accept(() => {});
      flow.onClose = () => closed++;
    },
  });
  one.udp('a');
  t.equal(one.stack.nextDeadline, 1_000);
  one.stack.tick(900);
  one.udp('b');
  one.stack.tick(1_800);
  flow!.send(Buffer.from('c'), HOST, 53);
  one.stack.tick(2_700);
  t.equal(closed, 0);
  one.stack.tick(2_800);
  t.equal(closed, 1);
  t.equal(one.stack.stats()['udpFlows'], 0);
  t.equal(one.stack.nextDeadline, Infinity);
});

t.test('mappings are capped, and the refusals counted', async (t) => {
  const one = bench({ limits: { udpFlows: 3 }, onUdp: (request) => void request.accept(() => {}) });
  for (let port = 1; port <= 5; port++) one.udp('x', 53, port);
  t.match(one.stack.stats(), { udpFlows: 3, refusedUdpFlows: 2 });
});

t.test(
  'a refused datagram is answered by ICMP with the word that was chosen (RFC 1122 §3.2.2.1, RFC 4443 §3.1)',
  async (t) => {
    for (const [how, v4, v6] of [
      ['reset', [3, 3], [1, 4]],
      ['prohibited', [3, 13], [1, 1]],
      ['host-unreachable', [3, 1], [1, 3]],
    ] as const) {
      const one = bench({ onUdp: (request) => request.refuse(how) });
      one.udp('hello');
      one.udp('hello', 53, 4_000, CLIENT_6, HOST_6);
      t.strictSame([...one.sent[0]!.payload.subarray(0, 2)], v4, how);
      t.strictSame([...one.sent[1]!.payload.subarray(0, 2)], v6, `${how} over IPv6`);
      t.ok(one.sent[0]!.payload.includes('hello'), 'the message quotes the datagram');
    }
    const silent = bench({ onUdp: (request) => request.drop() });
    silent.udp('hello');
    t.equal(silent.sent.length, 0);
  },
);

t.test('a mapping refuses single datagrams, and goes on', async (t) => {
  let flow: UdpFlow | undefined;
  const got: string[] = [];
  const one = bench({
    onUdp: (request) => {
      flow = request.accept((payload, address, port) => {
        got.push(`${payload} ${address}:${port}`);
        if (port === 9) flow?.refuse();
        if (port === 10) flow?.refuse('prohibited');
      });
    },
  });
  for (const port of [53, 9, 10, 53]) one.udp(`to ${port}`, port, 4_000, CLIENT, HOST);
  t.strictSame(
    got,
    [53, 9, 10, 53].map((port) => `to ${port} ${HOST}:${port}`),
  );
  t.strictSame(
    one.sent.map(({ payload }) => [...payload.subarray(0, 2)]),
    [
      [3, 3],
      [3, 13],
    ],
  );
  t.ok(one.sent[0]!.payload.includes('to 9'), 'the message quotes the datagram');
  flow!.refuse();
  t.equal(one.sent.length, 2, 'there is nothing to refuse outside of the call');
  flow!.close();
});

t.test('a mapping over IPv6 refuses as well; one that is closed meanwhile does not', async (t) => {
  let [flow, close] = [undefined as UdpFlow | undefined, false];
  const one = bench({
    onUdp: (request) => {
      flow = request.accept(() => {
        if (close) flow?.close();
        flow?.refuse('host-unreachable');
      });
    },
  });
  one.udp('first', 53, 4_000, CLIENT_6, HOST_6);
  t.strictSame(one.sent, [], 'the mapping itself was accepted');
  one.udp('second', 9, 4_000, CLIENT_6, HOST_6);
  t.strictSame([...one.sent[0]!.payload.subarray(0, 2)], [1, 3]);
  close = true;
  one.udp('third', 9, 4_000, CLIENT_6, HOST_6);
  t.equal(one.sent.length, 1);
});

t.test('without anybody who wants UDP a port is closed', async (t) => {
  const one = bench();
  one.udp('x');
  t.strictSame([...one.sent[0]!.payload.subarray(0, 2)], [3, 3]);
});

t.test('broken datagrams are dropped by reason', async (t) => {
  const one = bench({ onUdp: (request) => void request.accept(() => t.fail('delivered')) });
  one.udp('x', 53, 4_000, CLIENT, HOST, 0x1234);
  one.udp('x', 53, 4_000, CLIENT_6, HOST_6, 0);
  one.input(
    ipPacket({ source: CLIENT, destination: HOST, protocol: 17, payload: Buffer.from([0, 1, 0, 2, 0, 99, 0, 0]) }),
  );
  one.input(ipPacket({ source: CLIENT, destination: HOST, protocol: 17, payload: Buffer.from([0, 1, 0, 2]) }));
  t.match(one.stack.stats(), { dropUdpChecksum: 2, dropUdpHeader: 2 });
});

t.test('an IPv4 datagram may come without a checksum (RFC 768)', async (t) => {
  const got: string[] = [];
  const one = bench({ onUdp: (request) => void request.accept((payload) => got.push(payload.toString())) });
  one.udp('plain', 53, 4_000, CLIENT, HOST, 0);
  t.strictSame(got, ['plain']);
});

t.test(
  'ICMP errors are never sent about ICMP errors, groups or later fragments, and not without limit (RFC 1122 §3.2.2)',
  async (t) => {
    const one = bench();
    one.udp('to a group', 53, 4_000, CLIENT, '239.1.1.1');
    one.udp('from a group', 53, 4_000, '224.0.0.5', HOST);
    t.equal(one.sent.length, 0);
    t.ok(one.stack.stats()['icmpSuppressed']! + one.stack.stats()['dropBadAddress']! >= 2);
    for (let i = 0; i < 200; i++) one.udp('x', 53, 5_000 + i);
    t.equal(one.sent.length, 50, 'a burst');
    one.stack.tick(20);
    for (let i = 0; i < 200; i++) one.udp('x', 53, 5_000 + i);
    t.equal(one.sent.length, 70, 'and a thousand a second after it');
  },
);

t.test('an error about no flow of ours is ignored', async (t) => {
  const one = bench();
  const quoted = ipPacket({ source: HOST, destination: CLIENT, protocol: 6, payload: Buffer.alloc(20, 1) });
  for (const [type, code] of [
    [3, 4],
    [3, 1],
    [11, 0],
  ] as const) {
    one.input(
      ipPacket({
        source: '192.0.2.1',
        destination: HOST,
        protocol: 1,
        payload: icmpMessage({ source: '192.0.2.1', destination: HOST, type, code, body: quoted }),
      }),
    );
  }
  t.equal(one.stack.stats()['icmpErrorsIgnored'], 3);
  t.equal(one.sent.length, 0);
});

t.test('a mapping of our own making sends first and hears the answer on its port only', async (t) => {
  const got: string[] = [];
  const one = bench();
  const flow = one.stack.openUdp(
    { localAddress: CLIENT, localPort: 50_000, remoteAddress: HOST, remotePort: 53 },
    (payload) => got.push(payload.toString()),
  );
  t.ok(flow.send(Buffer.from('question'), CLIENT, 50_000));
  t.match(one.sent[0], { source: CLIENT, destination: HOST });
  one.udp('answer', 50_000, 53, HOST, CLIENT);
  t.strictSame(got, ['answer']);
  one.udp('other', 50_001, 53, HOST, CLIENT);
  t.strictSame(got, ['answer']);
  t.throws(
    () => one.stack.openUdp({ localAddress: CLIENT, localPort: 50_000, remoteAddress: HOST, remotePort: 53 }, () => {}),
    { code: 'ERR_NETSTACK_PORT_IN_USE' },
  );
  t.throws(() => one.stack.openUdp({ localAddress: CLIENT, remoteAddress: 'fd00::1', remotePort: 53 }, () => {}), {
    code: 'ERR_NETSTACK_ADDRESS',
  });
});

t.test('forgetting a peer ends its mappings, closing ends all', async (t) => {
  const closed: string[] = [];
  const one = bench({
    onUdp: (request) => {
      const { remoteAddress } = request;
      request.accept(() => {}).onClose = () => closed.push(remoteAddress);
    },
  });
  one.udp('a');
  one.udp('b', 53, 4_000, '169.254.0.3');
  one.stack.forget(CLIENT);
  t.strictSame(closed, [CLIENT]);
  one.stack.close();
  t.strictSame(closed, [CLIENT, '169.254.0.3']);
});

t.test('whatever bytes come, nothing is thrown and no mapping appears that nobody accepted', async () => {
  const one = bench({ onUdp: (request) => request.drop() });
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 120 }),
    fc
      .tuple(fc.constantFrom(1, 17, 58, 6, 44, 0, 43, 60, 255), fc.uint8Array({ maxLength: 120 }), fc.boolean())
      .map(([protocol, payload, v6]) =>
        ipPacket({
          source: v6 ? CLIENT_6 : CLIENT,
          destination: v6 ? HOST_6 : HOST,
          protocol,
          payload: Buffer.from(payload),
        }),
      ),
  );
  fc.assert(
    fc.property(bytes, (packet) => {
      one.stack.input(Buffer.from(packet), 0, packet.length);
      one.stack.flush();
      return one.stack.stats()['udpFlows'] === 0;
    }),
    { numRuns: 5_000 },
  );
});
