import { Buffer } from 'node:buffer';
import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { FLOW_SEGMENTS, FLUSH_SEGMENTS } from '../../../src/netstack/core/constants.ts';
import { createNetstack, type TcpFlow } from '../../../src/netstack/index.ts';
import { ACK, buildPacket, LOCAL, parsePacket, REMOTE, SYN } from '../../support/raw-tcp-peer.ts';

/** Options of a SYN: segments of 88 bytes, windows of up to a gigabyte. */
const OPTIONS = Buffer.from([2, 4, 0, 88, 1, 3, 3, 14]);
const BYTES = 400_000;

/** Several flows towards peers that take whatever comes, on virtual time. */
function bench(count: number) {
  let now = 1000;
  /** Segments with data since the last look. */
  let sent = 0;
  const flows: TcpFlow[] = [];
  const peers = new Map<number, { next: number; received: number }>();
  const stack = createNetstack({
    random: seededRandom(4),
    now,
    output: (buffer, offset, length) => {
      const segment = parsePacket(Buffer.from(buffer.subarray(offset, offset + length)));
      const peer = peers.get(segment.destinationPort);
      if (segment.flags & SYN) peers.set(segment.destinationPort, { next: (segment.seq + 1) >>> 0, received: 0 });
      if (!peer || segment.payload.length === 0) return;
      sent++;
      if (segment.seq !== peer.next) return;
      peer.next = (peer.next + segment.payload.length) >>> 0;
      peer.received += segment.payload.length;
    },
    onTcp: (request) => flows.push(request.accept({ noDelay: true })),
  });
  const input = (port: number, flags: number, ack: number, options = Buffer.alloc(0)): void => {
    const fields = { seq: flags & SYN ? 100 : 101, ack, flags, window: 65_535, payload: Buffer.alloc(0), options };
    const packet = buildPacket({ ...fields, sourcePort: port, destinationPort: 80 }, REMOTE, LOCAL);
    stack.input(packet, 0, packet.length);
  };
  const ports = Array.from({ length: count }, (_, i) => 1000 + i);
  const taken = (act: () => void): number => {
    sent = 0;
    act();
    return sent;
  };
  return {
    stack,
    flows,
    peers,
    open(): void {
      for (const port of ports) input(port, SYN, 0, OPTIONS);
      for (const port of ports) input(port, ACK, peers.get(port)!.next);
      stack.flush();
    },
    /** One batch in which every peer acknowledges all that it has; how many segments that makes. */
    acknowledge: (): number =>
      taken(() => {
        for (const port of ports) input(port, ACK, peers.get(port)!.next);
        stack.flush();
      }),
    /** A millisecond passes; how many segments that makes. */
    wait: (): number => taken(() => stack.tick(++now)),
  };
}

t.test('a batch that opens many large windows is answered in several flushes, each flow in turn', async (t) => {
  const one = bench(12);
  one.open();
  for (const flow of one.flows) flow.write(Buffer.alloc(BYTES));
  const received = (): number[] => [...one.peers.values()].map((peer) => peer.received);
  let most = 0;
  let smallestShare = Infinity;
  while (received().some((bytes) => bytes < BYTES)) {
    const before = received();
    most = Math.max(most, one.acknowledge());
    // What one flush was not enough for comes before the peers say anything more.
    for (let segments = one.wait(); segments > 0; segments = one.wait()) most = Math.max(most, segments);
    const gained = received().map((bytes, i) => bytes - before[i]!);
    smallestShare = Math.min(smallestShare, Math.min(...gained) / Math.max(...gained));
  }
  t.ok(most <= FLUSH_SEGMENTS, `${most} segments in one flush`);
  t.ok(most > FLUSH_SEGMENTS / 2, `${most}: there was more to send than that`);
  t.ok(smallestShare > 0.5, `${smallestShare}: all get theirs in each round`);
  t.equal(one.stack.stats().tcpRetransmits, 0);
});

t.test('one flow leaves room in a flush for others', async (t) => {
  const one = bench(1);
  one.open();
  one.flows[0]!.write(Buffer.alloc(BYTES));
  let most = 0;
  while ([...one.peers.values()][0]!.received < BYTES) most = Math.max(most, one.acknowledge(), one.wait());
  t.equal(most, FLOW_SEGMENTS);
});
