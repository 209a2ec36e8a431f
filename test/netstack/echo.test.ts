import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, type NetstackOptions } from '../../src/netstack/index.ts';
import { icmpMessage, ipPacket, readPacket, type SeenPacket } from '../support/ip-packets.ts';

const US = '169.254.0.2';
const PEER = '10.20.0.10';

const bench = (options: Partial<NetstackOptions> = {}) => {
  const sent: SeenPacket[] = [];
  const raw: Buffer[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => {
      raw.push(Buffer.from(buffer.subarray(offset, offset + length)));
      sent.push(readPacket(raw.at(-1)!));
    },
    random: seededRandom(1),
    now: 0,
    ...options,
  });
  const input = (packet: Buffer): void => stack.input(packet, 0, packet.length);
  const reply = (id: number, sequence: number, body: string, source = PEER): void => {
    const rest = Buffer.alloc(4);
    rest.writeUInt16BE(id, 0);
    rest.writeUInt16BE(sequence, 2);
    const payload = icmpMessage({ source, destination: US, type: 0, rest, body: Buffer.from(body) });
    input(ipPacket({ source, destination: US, protocol: 1, payload }));
  };
  return { stack, sent, raw, input, reply };
};

t.test('a request carries identifier and sequence number, and its reply finds the flow (RFC 792)', async (t) => {
  const one = bench();
  const got: string[] = [];
  const flow = one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 7 }, (sequence, bytes) =>
    got.push(`${sequence} ${bytes}`),
  );
  t.ok(flow.send(1, Buffer.from('hello')));
  t.match(one.sent[0], { source: US, destination: PEER, protocol: 1 });
  t.strictSame([...one.sent[0]!.payload.subarray(4, 8)], [0, 7, 0, 1]);
  one.reply(7, 1, 'hello');
  t.strictSame(got, ['1 hello']);
});

t.test('a reply that nobody asked for is dropped and counted', async (t) => {
  const one = bench();
  const flow = one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 7 }, () => t.fail('delivered'));
  one.reply(8, 1, 'another identifier');
  one.reply(7, 1, 'another peer', '10.20.0.11');
  flow.close();
  one.reply(7, 1, 'too late');
  t.equal(one.stack.stats()['dropIcmpType'], 3);
  t.notOk(flow.send(2, Buffer.alloc(1)), 'closed');
});

t.test('a flow ends when it was idle for a minute, and use keeps it (RFC 5508 REQ-1)', async (t) => {
  const one = bench();
  let closed = 0;
  const flow = one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 7 }, () => {});
  flow.onClose = () => closed++;
  t.equal(one.stack.nextDeadline, 60_000);
  one.stack.tick(50_000);
  flow.send(1, Buffer.alloc(8));
  one.stack.tick(60_000);
  t.equal(closed, 0);
  one.stack.tick(110_000);
  t.equal(closed, 1);
  t.equal(one.stack.nextDeadline, Infinity);
});

t.test('ICMP errors about a request of ours are told, those about others are not', async (t) => {
  const one = bench();
  const told: string[] = [];
  const flow = one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 7 }, () => {});
  flow.onError = (kind) => told.push(kind);
  flow.send(1, Buffer.from('quoted'));
  const router = '192.0.2.1';
  const report = (type: number, code: number, quoted: Buffer): void =>
    one.input(
      ipPacket({
        source: router,
        destination: US,
        protocol: 1,
        payload: icmpMessage({ source: router, destination: US, type, code, body: quoted }),
      }),
    );
  report(3, 1, one.raw[0]!);
  report(11, 0, one.raw[0]!);
  const foreign = Buffer.from(one.raw[0]!);
  foreign[20 + 5] = 9; // another identifier
  report(3, 1, foreign);
  t.strictSame(told, ['unreachable', 'time-exceeded']);
  t.equal(one.stack.stats()['icmpErrorsIgnored'], 1);
});

t.test('flows are capped, told apart by peer and identifier, and end with their peer or the stack', async (t) => {
  const one = bench({ limits: { udpFlows: 2 } });
  const closed: string[] = [];
  for (const remoteAddress of [PEER, '10.20.0.11']) {
    one.stack.openEcho({ localAddress: US, remoteAddress, id: 7 }, () => {}).onClose = () => closed.push(remoteAddress);
  }
  t.throws(() => one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 8 }, () => {}), {
    code: 'ERR_NETSTACK_LIMIT',
  });
  one.stack.forget(PEER);
  t.strictSame(closed, [PEER]);
  t.throws(() => one.stack.openEcho({ localAddress: US, remoteAddress: '10.20.0.11', id: 7 }, () => {}), {
    code: 'ERR_NETSTACK_PORT_IN_USE',
  });
  t.throws(() => one.stack.openEcho({ localAddress: US, remoteAddress: 'fd20::1', id: 7 }, () => {}), {
    code: 'ERR_NETSTACK_ADDRESS',
  });
  for (const bad of [{ localAddress: 'here' }, { remoteAddress: 'there' }]) {
    t.throws(() => one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 7, ...bad }, () => {}), {
      code: 'ERR_NETSTACK_ADDRESS',
    });
  }
  one.stack.close();
  t.strictSame(closed, [PEER, '10.20.0.11']);
  t.throws(() => one.stack.openEcho({ localAddress: US, remoteAddress: PEER, id: 9 }, () => {}), {
    code: 'ERR_CLOSED',
  });
});
