import { Buffer } from 'node:buffer';
import t from 'tap';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, type Netstack, type TcpFlow, type UdpFlow } from '../../src/netstack/index.ts';
import { mutate, setChecksums } from '../support/packet-mutation.ts';
import { serializeIcmp } from '../support/packets/icmp.ts';
import { type IpPacket, serializeIp } from '../support/packets/ip.ts';
import { serializeTcp, TcpFlag } from '../support/packets/tcp.ts';
import { serializeUdp } from '../support/packets/udp.ts';

/** Mutated packets; a million with TUNNELITE_FUZZ=1000000. */
const PACKETS = Number(process.env.TUNNELITE_FUZZ ?? 20_000);
const SEED = Number(process.env.TUNNELITE_SEED ?? 1);

const LIMITS = {
  tcpFlows: 50,
  tcpHalfOpen: 12,
  outOfOrderBytes: 256 * 1024,
  udpFlows: 60,
  udpIdle: 120_000,
  fragmentBytes: 24 * 1024,
  fragmentPackets: 12,
  memory: 4 * 1024 * 1024,
};
/** What one flow may still take in once the cap on memory is reached: its window was granted before. */
const GRANTED = LIMITS.tcpFlows * 64 * 1024;

const random = seededRandom(SEED);
const chance = (oneIn: number): boolean => random.uint32() % oneIn === 0;
const END_OF_RUN = 40_000_000;

const ends = {
  4: { a: '10.0.0.1', b: '10.0.0.2' },
  6: { a: 'fd00::1', b: 'fd00::2' },
} as const;

/** One of the two stacks, with an owner that does all that an owner may. */
class Side {
  /** Local ports of its own UDP mappings, one after the other: a port in use is refused, and rightly so. */
  #udpPorts = 0;
  readonly stack: Netstack;
  readonly name: 'a' | 'b';
  readonly #flows = new Set<TcpFlow>();

  constructor(name: 'a' | 'b', now: number, output: (from: 'a' | 'b', packet: Buffer) => void) {
    this.name = name;
    this.stack = createNetstack({
      output: (buffer, offset, length) => output(name, Buffer.from(buffer.subarray(offset, offset + length))),
      random: seededRandom(SEED + (name === 'a' ? 10 : 20)),
      now,
      limits: LIMITS,
      isLocal: (address) => address === ends[4][name] || address === ends[6][name],
      tcp: { receiveBuffer: 64 * 1024, sendBuffer: 64 * 1024, keepAlive: chance(2) ? 60_000 : 0, timeWait: 5_000 },
      onTcp: (request) => {
        if (chance(8)) request.refuse(chance(2) ? 'reset' : 'prohibited');
        else if (chance(12)) request.drop();
        else if (!chance(20)) this.own(request.accept());
      },
      onUdp: (request) => {
        if (chance(12)) return;
        if (chance(6)) request.refuse();
        else {
          let flow: UdpFlow | undefined;
          flow = request.accept((payload, address, port) => {
            if (chance(3)) flow?.send(payload, address, port);
          });
          if (chance(10)) flow.close();
        }
      },
    });
  }

  own(flow: TcpFlow): void {
    this.#flows.add(flow);
    const greedy = !chance(6);
    flow.handler = {
      onData: (chunk) => {
        if (greedy) flow.consumed(chunk.length);
        if (chance(4)) flow.write(Buffer.from(chunk));
      },
      onEnd: () => {
        if (!chance(4)) flow.end();
      },
      onClose: () => this.#flows.delete(flow),
    };
  }

  /** Something that an owner may do at any time. */
  act(): void {
    const other = this.name === 'a' ? 'b' : 'a';
    const family = chance(2) ? 4 : 6;
    const options = {
      localAddress: ends[family][this.name],
      remoteAddress: ends[family][other],
      remotePort: 1 + (random.uint32() % 4),
    };
    const flows = [...this.#flows];
    const flow = flows[random.uint32() % Math.max(1, flows.length)];
    switch (random.uint32() % 8) {
      case 0:
      case 1:
        if (Number(this.stack.stats().tcpFlows) < LIMITS.tcpFlows) this.own(this.stack.connect(options));
        break;
      case 2:
        if (chance(20)) flow?.reset();
        break;
      case 3:
        if (chance(5)) flow?.end();
        break;
      case 4: {
        if (Number(this.stack.stats().udpFlows) > 40) break;
        const udp = this.stack.openUdp({ ...options, localPort: 1024 + (this.#udpPorts++ % 60_000) }, () => {});
        udp.send(random.bytes(random.uint32() % (chance(10) ? 20_000 : 600)), options.localAddress, 1024);
        if (chance(2)) udp.close();
        break;
      }
      default:
        flow?.write(random.bytes(1 + (random.uint32() % 4000)));
    }
  }
}

/** Packets that no stack of ours would send: echoes, fragments, options, extension headers, ICMP errors about what was sent. */
function invent(to: 'a' | 'b', recent: Buffer): Buffer {
  const family = chance(2) ? 4 : 6;
  const from = to === 'a' ? 'b' : 'a';
  const addresses = { source: ends[family][from], destination: ends[family][to] };
  const ip = (protocol: number, payload: Buffer, more: object = {}): Buffer =>
    serializeIp({ version: family, ...addresses, protocol, payload, ...more } as IpPacket);
  const icmp = family === 4 ? 1 : 58;
  const echo = (length: number) =>
    serializeIcmp(
      { version: family, type: family === 4 ? 8 : 128, code: 0, rest: 7, body: random.bytes(length) },
      addresses,
    );
  switch (random.uint32() % 7) {
    case 0:
      return ip(icmp, echo(random.uint32() % 200));
    case 1: {
      const body = echo(600);
      const offset = (random.uint32() % 4) * 200;
      return ip(icmp, body.subarray(offset, Math.min(body.length, offset + (chance(3) ? 150 : 200))), {
        fragment: { offset, more: !chance(3), identification: random.uint32() & 0xf },
      });
    }
    case 2: {
      // About a packet of its own, as far as ICMP quotes it.
      const type = family === 4 ? (chance(3) ? 11 : 3) : 1 + (random.uint32() % 4);
      const code = family === 4 ? random.uint32() % 14 : random.uint32() % 7;
      const body = recent.subarray(0, 28 + (random.uint32() % 500));
      return ip(
        icmp,
        serializeIcmp({ version: family, type, code, rest: chance(2) ? random.uint32() : 1300, body }, addresses),
      );
    }
    case 3:
      return ip(
        6,
        serializeTcp(
          {
            sourcePort: random.uint32() & 0xffff,
            destinationPort: 1 + (random.uint32() % 4),
            sequence: random.uint32(),
            acknowledgment: random.uint32(),
            flags: chance(3) ? random.uint32() & 255 : TcpFlag.Syn,
            window: random.uint32() & 0xffff,
            options: [{ name: 'unknown', kind: random.uint32() & 255, data: random.bytes(random.uint32() % 20) }],
            payload: random.bytes(random.uint32() % 50),
          },
          addresses,
        ),
      );
    case 4:
      return ip(
        17,
        serializeUdp(
          {
            sourcePort: random.uint32() & 0xffff,
            destinationPort: random.uint32() & 0xffff,
            payload: random.bytes(random.uint32() % 300),
          },
          addresses,
        ),
      );
    case 5: {
      const extensions = Array.from({ length: random.uint32() % 6 }, (_, i) => ({
        type: i === 0 ? 0 : 60,
        data: random.bytes(6 + 8 * (random.uint32() % 3)),
      }));
      return ip(icmp, echo(20), family === 6 ? { extensions } : { options: random.bytes(4 * (random.uint32() % 11)) });
    }
    default:
      return random.bytes(random.uint32() % 120);
  }
}

t.test('no packet, however harmed, brings the stack to throw, to pass its caps, or to keep what is over', async (t) => {
  let now = 1000;
  const wire: { to: 'a' | 'b'; packet: Buffer }[] = [];
  let sent = 0;
  const output = (from: 'a' | 'b', packet: Buffer) => {
    sent++;
    // What waits is bounded as the queue of a link is.
    if (wire.length < 400) wire.push({ to: from === 'a' ? 'b' : 'a', packet });
  };
  const sides = { a: new Side('a', now, output), b: new Side('b', now, output) };
  let recent: Buffer = Buffer.alloc(40);
  const peaks: Record<string, number> = {};
  let mutated = 0;
  const check = (): void => {
    for (const side of [sides.a, sides.b]) {
      const stats = side.stack.stats();
      for (const name of ['tcpFlows', 'tcpHalfOpen', 'udpFlows', 'outOfOrderBytes', 'fragmentBytes', 'memory']) {
        peaks[name] = Math.max(peaks[name] ?? 0, stats[name]!);
        const cap = name === 'memory' ? LIMITS.memory + GRANTED : LIMITS[name as keyof typeof LIMITS];
        if (!(stats[name]! >= 0 && stats[name]! <= cap)) throw new Error(`${name} is ${stats[name]}, its cap ${cap}`);
      }
      if (stats.ownerErrors) throw new Error('a callback threw');
    }
  };
  const deliver = (to: 'a' | 'b', packet: Buffer): void => {
    const { stack } = sides[to];
    const before = Buffer.from(packet);
    try {
      stack.input(packet, 0, packet.length);
      if (chance(3)) stack.flush();
    } catch (error) {
      throw new Error(`thrown for ${before.toString('hex')} (seed ${SEED}, packet ${mutated})`, { cause: error });
    }
    if (!before.equals(packet)) throw new Error('the input was written to');
  };

  let heapAfterWarmUp = 0;
  while (mutated < PACKETS) {
    if (chance(6)) sides[chance(2) ? 'a' : 'b'].act();
    const next = wire.shift();
    if (next) {
      if (!chance(3)) deliver(next.to, next.packet);
      if (chance(2)) {
        deliver(next.to, mutate(next.packet, recent, random));
        mutated++;
      }
      if (chance(20)) deliver(next.to === 'a' ? 'b' : 'a', Buffer.from(recent));
      recent = next.packet;
    }
    if (!next || chance(4)) {
      const to = chance(2) ? 'a' : 'b';
      const packet = invent(to, recent);
      deliver(to, chance(2) ? packet : mutate(packet, recent, random));
      mutated++;
    }
    if (wire.length === 0 || chance(4)) {
      now += chance(200) ? 10_000 : random.float() * 20;
      for (const side of [sides.a, sides.b]) {
        side.stack.tick(now);
        side.stack.flush();
      }
    }
    if (mutated % 64 === 0) check();
    if (heapAfterWarmUp === 0 && mutated > PACKETS / 4) heapAfterWarmUp = process.memoryUsage().rss;
  }
  check();
  const growth = process.memoryUsage().rss - heapAfterWarmUp;
  t.ok(
    growth < 150 * 1024 * 1024,
    `resident memory grew by ${Math.round(growth / 1e6)} MB over the last three quarters`,
  );

  const stats = { a: sides.a.stack.stats(), b: sides.b.stack.stats() };
  const seen = (name: string): number => stats.a[name]! + stats.b[name]!;
  t.comment(`${mutated} mutated of ${seen('packetsIn')} packets, ${sent} answers, peaks ${JSON.stringify(peaks)}`);
  // A fuzz that ends at the first check proves nothing: all of these must have been reached.
  for (const name of [
    ...['dropTruncated', 'dropBadVersion', 'dropBadHeader', 'dropHeaderChecksum', 'dropBadAddress', 'dropNotLocal'],
    ...['dropUnknownProtocol', 'dropFragmentBad', 'dropFragmentOverlap', 'dropIcmpChecksum', 'dropIcmpType'],
    ...['dropUdpHeader', 'dropUdpChecksum', 'dropTcpHeader', 'dropTcpChecksum', 'dropTcpWindow', 'dropTcpAck'],
    ...['reassembled', 'tcpEstablished', 'tcpResetsIn', 'tcpChallengeAcks', 'tcpOutOfOrder', 'tcpRetransmits'],
    ...['icmpOut', 'icmpErrorsIgnored', 'udpOut'],
    // The caps.
    ...['refusedFlows', 'refusedUdpFlows', 'dropFragmentLimit'],
  ]) {
    t.ok(seen(name) > 0, `${name} was reached`);
  }

  // With nothing more said, everything runs out by its own timers.
  const end = now + END_OF_RUN;
  while (now < end) {
    wire.length = 0;
    now = Math.max(now + 1, Math.min(end, sides.a.stack.nextDeadline, sides.b.stack.nextDeadline));
    for (const side of [sides.a, sides.b]) {
      side.stack.tick(now);
      for (const flow of side.stack.flows)
        if (flow.state === 'CLOSE-WAIT' || flow.state === 'ESTABLISHED') flow.reset();
      side.stack.flush();
    }
  }
  for (const side of [sides.a, sides.b]) {
    // A peer that is gone leaves those for ever that wait for it to speak, as sockets do; keep-alive is for that.
    for (const flow of side.stack.flows) {
      if (flow.state !== 'FIN-WAIT-2') t.fail(`a flow is still in ${flow.state}`);
      flow.reset();
    }
    side.stack.flush();
    const left = side.stack.stats();
    for (const name of ['tcpHalfOpen', 'tcpTimeWait', 'udpFlows', 'outOfOrderBytes', 'fragmentBytes']) {
      t.equal(left[name], 0, `${name} is back at nothing`);
    }
    t.equal(left.tcpFlows, 0, 'no flow is left');
    t.equal(left.memory, 0, 'no memory is accounted for');
    side.stack.close();
  }
});

t.test('checksums that a mutation sets right are right', async (t) => {
  const addresses = { source: '10.0.0.1', destination: '10.0.0.2' };
  const udp = serializeUdp({ sourcePort: 1, destinationPort: 2, payload: Buffer.from('abc') }, addresses);
  const packet = serializeIp({ version: 4, ...addresses, protocol: 17, payload: udp });
  const harmed = Buffer.from(packet);
  harmed.writeUInt16BE(0x1234, 10);
  harmed.writeUInt16BE(0x5678, 26);
  setChecksums(harmed);
  t.same(harmed, packet);
});
