import { Buffer } from 'node:buffer';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, type UdpFlow } from '../../src/netstack/index.ts';
import { Icmpv6Type, parseIcmp, serializeIcmp } from '../support/packets/icmp.ts';
import { type IpPacket, IpProtocol, type Ipv6Packet, parseIp, serializeIp } from '../support/packets/ip.ts';
import { serializeUdp } from '../support/packets/udp.ts';

const V4 = { source: '10.0.0.2', destination: '10.0.0.1' };
const V6 = { source: 'fd00::2', destination: 'fd00::1' };
const ROUTER = 'fd00::ffff';

const make = () => {
  const sent: IpPacket[] = [];
  const flows: UdpFlow[] = [];
  const stack = createNetstack({
    output: (buffer, offset, length) => sent.push(parseIp(Buffer.from(buffer.subarray(offset, offset + length)))),
    random: seededRandom(1),
    now: 0,
    mtu: 1500,
    onUdp: (request) => flows.push(request.accept(() => {})),
  });
  const input = (packet: IpPacket): Buffer => {
    const bytes = serializeIp(packet);
    stack.input(bytes, 0, bytes.length);
    return bytes;
  };
  return { stack, sent, flows, input };
};

t.test('a protocol that nobody speaks is unreachable over IPv4 (RFC 1122 §3.2.2.1)', async (t) => {
  const { sent, input, stack } = make();
  const bytes = input({ version: 4, ...V4, protocol: 132, payload: Buffer.alloc(12, 1) });
  const answer = sent[0]!;
  t.match(answer, { source: V4.destination, destination: V4.source, protocol: IpProtocol.Icmp });
  const message = parseIcmp(4, answer.payload, answer);
  t.match(message, { type: 3, code: 2 });
  t.same(message.body, bytes, 'the packet is quoted');
  t.equal(stack.stats().dropUnknownProtocol, 1);
});

t.test('over IPv6 a pointer shows the header that is not known, wherever it stands (RFC 4443 §3.4)', async (t) => {
  const options = { type: 60, data: Buffer.from([1, 4, 0, 0, 0, 0]) };
  for (const [extensions, pointer] of [
    [[], 6],
    [[options], 40],
    [[options, options], 48],
  ] as const) {
    const { sent, input } = make();
    input({ version: 6, ...V6, protocol: 132, extensions, payload: Buffer.alloc(12) });
    const message = parseIcmp(6, sent[0]!.payload, sent[0]);
    t.match(message, { type: Icmpv6Type.ParameterProblem, code: 1, rest: pointer });
  }
});

t.test('“no next header” asks for no answer (RFC 8200 §4.7)', async (t) => {
  const { sent, input, stack } = make();
  input({ version: 6, ...V6, protocol: 59, payload: Buffer.alloc(8) });
  t.same(sent, []);
  t.equal(stack.stats().dropNoNextHeader, 1);
});

t.test('no error is sent about an ICMPv6 error, even behind extension headers (RFC 4443 §2.4 e.1)', async (t) => {
  for (const [type, answers] of [
    [Icmpv6Type.Unreachable, 0],
    [Icmpv6Type.Echo, 1],
  ] as const) {
    const { stack, sent, input } = make();
    // The first fragment of a packet that is never completed is what an error might be sent about.
    input({
      version: 6,
      ...V6,
      protocol: IpProtocol.Icmpv6,
      extensions: [{ type: 60, data: Buffer.from([1, 4, 0, 0, 0, 0]) }],
      fragment: { offset: 0, more: true, identification: 9 },
      payload: serializeIcmp({ version: 6, type, code: 0, rest: 0, body: Buffer.alloc(48) }, V6),
    });
    stack.tick(60_001);
    t.equal(sent.length, answers);
    if (answers > 0) t.match(parseIcmp(6, sent[0]!.payload, sent[0]), { type: Icmpv6Type.TimeExceeded, code: 1 });
  }
});

const tooBig = (quoted: Buffer, mtu: number): IpPacket => {
  const ends = { source: ROUTER, destination: V6.destination };
  const message = { version: 6, type: Icmpv6Type.TooBig, code: 0, rest: mtu, body: quoted.subarray(0, 1200) } as const;
  return { version: 6, ...ends, protocol: IpProtocol.Icmpv6, payload: serializeIcmp(message, ends) };
};

t.test('datagrams are cut to what “packet too big” tells, whole ones and fragments (RFC 8201 §4)', async (t) => {
  for (const size of [1300, 4000]) {
    const { sent, flows, input, stack } = make();
    input({
      version: 6,
      ...V6,
      protocol: IpProtocol.Udp,
      payload: serializeUdp({ sourcePort: 4000, destinationPort: 53, payload: Buffer.from('?') }, V6),
    });
    const send = () => {
      sent.length = 0;
      t.ok(flows[0]!.send(Buffer.alloc(size, 7), V6.destination, 53));
      return sent.map((packet) => serializeIp(packet));
    };
    const before = send();
    t.ok(before.some((packet) => packet.length > 1300));
    // A message that quotes somebody else's packet changes nothing.
    const foreign = Buffer.from(before[0]!);
    foreign.writeUInt16BE(4001, (sent[0] as Ipv6Packet).fragment ? 50 : 42);
    input(tooBig(foreign, 1280));
    t.equal(stack.stats().icmpErrorsIgnored, 1);
    t.equal(send().length, before.length);
    input(tooBig(before[0]!, 1280));
    const after = send();
    t.ok(after.every((packet) => packet.length <= 1280));
    const bytes = sent.reduce((sum, packet) => sum + packet.payload.length, 0);
    t.equal(bytes, size + 8, 'and nothing is missing');
  }
});

t.test('an absurd MTU is raised to what every path carries, and a larger one ignored', async (t) => {
  const { sent, flows, input, stack } = make();
  input({
    version: 6,
    ...V6,
    protocol: IpProtocol.Udp,
    payload: serializeUdp({ sourcePort: 4000, destinationPort: 53, payload: Buffer.from('?') }, V6),
  });
  flows[0]!.send(Buffer.alloc(1400), V6.destination, 53);
  const bytes = serializeIp(sent[0]!);
  input(tooBig(bytes, 9000));
  t.equal(stack.stats().icmpErrorsIgnored, 1);
  input(tooBig(bytes, 68));
  sent.length = 0;
  flows[0]!.send(Buffer.alloc(1400), V6.destination, 53);
  t.same(
    sent.map((packet) => serializeIp(packet).length <= 1280 && packet.payload.length > 100),
    [true, true],
  );
  // An older message about the same packet comes late: the path carries no more for that.
  input(tooBig(bytes, 1300));
  t.equal(stack.stats().icmpErrorsIgnored, 2);
  sent.length = 0;
  flows[0]!.send(Buffer.alloc(1400), V6.destination, 53);
  t.ok(sent.every((packet) => serializeIp(packet).length <= 1280));
});
