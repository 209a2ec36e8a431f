import { Buffer } from 'node:buffer';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import {
  createNetstack,
  type LimitReached,
  type NetstackOptions,
  type TcpCloseReason,
  type TcpFlow,
  TcpState,
} from '../../src/netstack/index.ts';
import { ipPacket, udpDatagram } from '../support/ip-packets.ts';
import { ACK, buildPacket, parsePacket, type RawSegment, RST, SYN } from '../support/raw-tcp-peer.ts';

/*
 * Several sessions before one stack. What one of them holds, however much, keeps nobody from their share (CWE-770); and one that is
 * alone may hold all.
 */

const HOST = '10.1.2.3';

interface Session {
  readonly id: string;
  readonly address: string;
}
const session = (n: number): Session => ({ id: `s${n}`, address: `10.77.0.${n}` });

const bench = (options: Partial<NetstackOptions> = {}) => {
  const out: RawSegment[] = [];
  const other: Buffer[] = [];
  const limits: LimitReached[] = [];
  const flows: TcpFlow[] = [];
  const closed = new Map<TcpFlow, TcpCloseReason>();
  let now = 1000;
  let lastIss = 0;
  const stack = createNetstack({
    random: seededRandom(3),
    now,
    output: (buffer, offset, length) => {
      const packet = Buffer.from(buffer.subarray(offset, offset + length));
      if (packet[9] === 6) out.push(parsePacket(packet));
      else other.push(packet);
    },
    onTcp: (request) => {
      const flow = request.accept();
      flows.push(flow);
      flow.handler = {
        onData: (chunk) => flow.consumed(chunk.length),
        onClose: (reason) => closed.set(flow, reason),
      };
    },
    onUdp: (request) => {
      const flow = request.accept(() => {});
      const answer = (_payload: Buffer, address: string, port: number): unknown =>
        flow.send(Buffer.from('answer'), address, port);
      flow.handler = answer;
      answer(Buffer.alloc(0), request.localAddress, request.localPort);
    },
    onLimit: (limit) => limits.push(limit),
    ...options,
  });
  const put = (from: Session, packet: Buffer): void => stack.input(packet, 0, packet.length, from);
  const tcp = (from: Session, port: number, segment: Partial<RawSegment>): void => {
    const whole = { seq: 0, ack: 0, flags: ACK, window: 65_535, payload: Buffer.alloc(0), options: Buffer.alloc(0) };
    put(from, buildPacket({ ...whole, ...segment, sourcePort: port, destinationPort: 80 }, from.address, HOST));
  };
  const syn = (from: Session, port: number): boolean => {
    out.length = 0;
    tcp(from, port, { seq: 100, flags: SYN });
    return out.some((segment) => segment.destinationPort === port && segment.flags === (SYN | ACK));
  };
  /** A whole handshake; the flow, if it came about. */
  const open = (from: Session, port: number, window = 65_535): TcpFlow | undefined => {
    const before = flows.length;
    if (!syn(from, port)) return undefined;
    lastIss = out.at(-1)!.seq;
    tcp(from, port, { seq: 101, ack: (lastIss + 1) >>> 0, window });
    stack.flush();
    return flows[before];
  };
  /** The stack's first sequence number in the handshake that was the last. */
  const iss = (): number => lastIss;
  const udp = (from: Session, port: number, destinationPort = 53): boolean => {
    other.length = 0;
    const ends = { source: from.address, destination: HOST };
    const payload = udpDatagram({ ...ends, sourcePort: port, destinationPort, payload: Buffer.from('question') });
    put(from, ipPacket({ ...ends, protocol: 17, payload }));
    return other.length > 0;
  };
  const fragment = (from: Session, id: number, at: number, more: boolean, payload: Buffer): void =>
    put(from, ipPacket({ source: from.address, destination: HOST, protocol: 17, id, fragment: { at, more }, payload }));
  const wait = (ms: number): void => {
    now += ms;
    stack.tick(now);
    stack.flush();
  };
  const told = (table: LimitReached['table'], action: LimitReached['action']): string[] => [
    ...new Set(
      limits
        .filter((limit) => limit.table === table && limit.action === action)
        .map((limit) => (limit.owner as Session | undefined)?.id ?? 'nobody'),
    ),
  ];
  return { stack, out, other, limits, flows, closed, put, tcp, syn, open, iss, udp, fragment, wait, told };
};

t.test('a request says whom its packet came from', async (t) => {
  const owners: unknown[] = [];
  const { syn, udp } = bench({
    onTcp: (request) => {
      owners.push(request.owner);
      request.refuse();
    },
    onUdp: (request) => {
      owners.push(request.owner);
      request.drop();
    },
  });
  const [one, other] = [session(1), session(2)];
  syn(one, 1000);
  syn(other, 1000);
  udp(other, 1000);
  t.strictSame(owners, [one, other, other]);
});

t.test('4200 SYNs that nobody completes keep no other session from connecting', async (t) => {
  const one = bench();
  const [mallory, alice, bob] = [session(1), session(2), session(3)];
  for (let i = 0; i < 4200; i++) one.syn(mallory, 1000 + i);
  t.equal(one.stack.stats().tcpHalfOpen, 4096, 'alone it may have all');
  t.same(one.told('tcp-half-open', 'refused'), ['s1'], 'and is told when there is no more');
  for (const [who, port] of [
    [alice, 5000],
    [bob, 5000],
    [alice, 5001],
  ] as const)
    t.equal(one.open(who, port)?.state, TcpState.Established, who.id);
  t.same(one.told('tcp-half-open', 'evicted'), ['s1'], 'what had to go was of the one who had most');
});

t.test('a session that floods is not served at the cost of one that holds less', async (t) => {
  const one = bench({ limits: { tcpHalfOpen: 10 } });
  const [mallory, alice] = [session(1), session(2)];
  for (let i = 0; i < 4; i++) one.syn(alice, 5000 + i);
  for (let i = 0; i < 200; i++) one.syn(mallory, 1000 + i);
  t.equal(one.stack.stats().tcpHalfOpen, 10);
  t.same(one.told('tcp-half-open', 'evicted'), []);
  for (let i = 4; i < 9; i++) one.syn(alice, 5000 + i);
  const halfOpen = [...one.stack.flows].map((flow) => flow.remoteAddress);
  t.equal(halfOpen.filter((address) => address === alice.address).length, 5, 'each has half');
});

t.test('33,000 look-ups from as many ports keep no other session from asking', async (t) => {
  const one = bench();
  const [mallory, alice] = [session(1), session(2)];
  for (let i = 0; i < 33_000; i++) one.udp(mallory, 1024 + (i % 64_000), 53);
  t.ok(one.udp(alice, 5353), 'an answer');
  t.ok(one.udp(alice, 5354));
  t.same(one.told('udp-flows', 'evicted'), ['s1']);
  t.same(one.told('udp-flows', 'refused'), ['s1']);
  t.match(one.stack.stats(), { evictedUdpFlows: 2, udpFlows: 32_768 });
});

t.test('a mapping that is in use stays, the idle ones of who holds most go', async (t) => {
  const one = bench({ limits: { udpFlows: 20 } });
  const [mallory, alice] = [session(1), session(2)];
  for (let i = 0; i < 20; i++) one.udp(mallory, 1000 + i);
  one.wait(1000);
  one.udp(mallory, 1000);
  one.udp(mallory, 1001);
  for (let i = 0; i < 5; i++) t.ok(one.udp(alice, 2000 + i));
  one.limits.length = 0;
  t.ok(one.udp(mallory, 1000) && one.udp(mallory, 1001), 'both are still there');
  t.same(one.limits, []);
});

t.test('flows whose peers take nothing are closed for others, once memory is short', async (t) => {
  const memory = 4 * 1024 * 1024;
  const one = bench({ limits: { memory } });
  const [mallory, alice] = [session(1), session(2)];
  for (let port = 1000; one.stack.stats().memory! <= memory; port++) {
    const flow = one.open(mallory, port, 0);
    while (flow?.write(Buffer.alloc(64 * 1024))) one.stack.flush();
  }
  t.equal(one.open(mallory, 999, 0), undefined, 'who holds all gets no more');
  const flow = one.open(alice, 5000);
  t.equal(flow?.state, TcpState.Established);
  t.ok(one.stack.stats().memory! <= memory);
  t.same([...one.closed.values()], ['evicted']);
  t.same(one.told('tcp-memory', 'evicted'), ['s1']);
  t.same(one.told('tcp-memory', 'refused'), ['s1']);
  const mallorys = one.flows.find((other) => other !== flow && !one.closed.has(other))!;
  mallorys.write(Buffer.alloc(memory));
  one.out.length = 0;
  flow!.write(Buffer.from('to alice'));
  one.stack.flush();
  t.ok(one.out.at(-1)!.window > 16 * 1024, 'memory that others filled does not shrink her window');
});

t.test('at the cap on flows the one that was silent longest is reset for others', async (t) => {
  const one = bench({ limits: { tcpFlows: 4 } });
  const [mallory, alice] = [session(1), session(2)];
  const held = [one.open(mallory, 1000)!];
  const ack = (one.iss() + 1) >>> 0;
  held.push(...[1001, 1002, 1003].map((port) => one.open(mallory, port)!));
  one.wait(5000);
  one.tcp(mallory, 1000, { seq: 101, ack, payload: Buffer.from('alive') });
  t.equal(one.open(mallory, 1004), undefined);
  t.ok(one.open(alice, 5000));
  t.equal(one.closed.size, 1);
  t.equal(one.closed.get(held[1]!), 'evicted');
  t.ok(one.limits.some(({ table, action }) => table === 'tcp-flows' && action === 'evicted'));
});

t.test('whoever loses a flow to others is told by RST', async (t) => {
  const one = bench({ limits: { tcpFlows: 2 } });
  one.open(session(1), 1000);
  one.open(session(1), 1001);
  one.syn(session(2), 5000);
  t.ok(one.out.some((segment) => segment.destinationPort === 1000 && segment.flags & RST));
});

t.test('3300 fragments of packets that are never whole keep no other session from theirs', async (t) => {
  const one = bench();
  const [mallory, alice] = [session(1), session(2)];
  const ends = { source: alice.address, destination: HOST };
  const datagram = udpDatagram({ ...ends, sourcePort: 5353, destinationPort: 53, payload: Buffer.alloc(2000, 'q') });
  one.fragment(alice, 1, 0, true, datagram.subarray(0, 1000));
  for (let id = 0; id < 3300; id++) one.fragment(mallory, id, 0, true, Buffer.alloc(1400));
  one.other.length = 0;
  one.fragment(alice, 1, 1000, false, datagram.subarray(1000));
  t.equal(one.other.length > 0, true, 'the datagram was put together and answered');
  t.same(one.told('fragments', 'evicted'), []);
  t.same(one.told('fragments', 'refused'), ['s1']);
  for (let id = 10; id < 20; id++) {
    one.fragment(alice, id, 0, true, datagram.subarray(0, 1000));
    one.fragment(alice, id, 1000, false, datagram.subarray(1000));
  }
  t.equal(one.stack.stats().reassembled, 11);
});

t.test('the bytes of fragments are shared as their packets are', async (t) => {
  const one = bench({ limits: { fragmentBytes: 20_000, fragmentPackets: 1000 } });
  const [mallory, alice] = [session(1), session(2)];
  for (let id = 0; id < 100; id++) one.fragment(mallory, id, 0, true, Buffer.alloc(1400));
  const ends = { source: alice.address, destination: HOST };
  const datagram = udpDatagram({ ...ends, sourcePort: 5353, destinationPort: 53, payload: Buffer.alloc(4000, 'q') });
  for (let at = 0; at < datagram.length; at += 1000)
    one.fragment(alice, 1, at, at + 1000 < datagram.length, datagram.subarray(at, at + 1000));
  t.equal(one.stack.stats().reassembled, 1);
  t.same(one.told('fragments', 'evicted'), ['s1']);
});

t.test('early data of others is kept while one session fills the room for it', async (t) => {
  const one = bench({ limits: { outOfOrderBytes: 50_000 } });
  const [mallory, alice] = [session(1), session(2)];
  const early = (who: Session, port: number, count: number): TcpFlow => {
    const flow = one.open(who, port)!;
    for (let i = 0; i < count; i++) {
      const ack = (one.out.findLast((segment) => segment.destinationPort === port)!.seq + 1) >>> 0;
      one.tcp(who, port, { seq: 101 + 1000 + 1500 * i, ack, payload: Buffer.alloc(1000) });
    }
    return flow;
  };
  for (let port = 1000; port < 1010; port++) early(mallory, port, 8);
  t.ok(one.stack.stats().refusedOutOfOrder! > 0);
  early(alice, 5000, 5);
  t.match(one.stack.stats(), { evictedOutOfOrder: 1 });
  t.ok(one.stack.stats().outOfOrderBytes! <= 50_000);
  t.same(one.told('tcp-out-of-order', 'evicted'), ['s1']);
});

t.test('TIME-WAIT of one session is shortened before that of others', async (t) => {
  const one = bench();
  const [mallory, alice] = [session(1), session(2)];
  const wear = (who: Session, port: number): void => {
    const flow = one.open(who, port)!;
    flow.end();
    one.stack.flush();
    const fin = one.out.findLast((segment) => segment.destinationPort === port && segment.flags & 1)!;
    one.tcp(who, port, { seq: 101, ack: (fin.seq + 1) >>> 0, flags: 1 | ACK });
    one.stack.flush();
  };
  wear(alice, 5000);
  for (let i = 0; i < 4200; i++) wear(mallory, 1000 + i);
  t.same(one.told('tcp-time-wait', 'evicted'), ['s1']);
  t.ok([...one.stack.flows].some((flow) => flow.remoteAddress === alice.address));
});

t.test('ICMP errors to one session leave some for the others', async (t) => {
  const one = bench({ onUdp: (request) => request.refuse('prohibited') });
  const [mallory, alice] = [session(1), session(2)];
  for (let i = 0; i < 500; i++) one.udp(mallory, 1000 + i);
  t.ok(one.udp(alice, 5000), 'the refusal reaches her');
  t.same(one.told('icmp-errors', 'refused'), ['s1']);
});
