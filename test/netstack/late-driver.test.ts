import { Buffer } from 'node:buffer';
import t from 'tap';
import type { SessionInfo } from '../../src/gateway/index.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { LATE_MS } from '../../src/lib/late-tick.ts';
import { seededRandom } from '../../src/lib/random.ts';
import {
  createNetstack,
  driveNetstack,
  type TcpCloseReason,
  type TcpFlow,
  TcpState,
} from '../../src/netstack/index.ts';
import { stackPort } from '../../src/simulator/stack-port.ts';
import { ipPacket, udpDatagram } from '../support/ip-packets.ts';
import { ACK, buildPacket, LOCAL, parsePacket, type RawSegment, REMOTE, SYN } from '../support/raw-tcp-peer.ts';

/*
 * A process that was stopped (SIGSTOP, a suspended laptop) finds its deadlines passed before it reads what came meanwhile. Nobody is judged
 * by that.
 */

const bench = () => {
  const clock = new ManualClock();
  const out: RawSegment[] = [];
  const closed: TcpCloseReason[] = [];
  let flow: TcpFlow | undefined;
  let mappings = 0;
  const stack = createNetstack({
    random: seededRandom(5),
    now: clock.monotonic(),
    output: (buffer, offset, length) => out.push(parsePacket(Buffer.from(buffer.subarray(offset, offset + length)))),
    onTcp: (request) => {
      flow = request.accept({ noDelay: true });
      flow.handler = { onData: (chunk) => flow!.consumed(chunk.length), onClose: (reason) => closed.push(reason) };
    },
    onUdp: (request) => {
      mappings++;
      request.accept(() => {}).onClose = () => mappings--;
    },
  });
  const driver = driveNetstack(stack, clock);
  const port = stackPort(stack, driver);
  const put = (packet: Buffer): void => {
    port.onPacket(packet, 0, packet.length, {} as SessionInfo);
    port.onBatchEnd();
  };
  const tcp = (segment: Partial<RawSegment>): void =>
    put(
      buildPacket({
        ...{ seq: 0, ack: 0, flags: ACK, window: 65_535, payload: Buffer.alloc(0), options: Buffer.alloc(0) },
        ...segment,
        sourcePort: 4000,
        destinationPort: 80,
      }),
    );
  const udp = (): void => {
    const ends = { source: REMOTE, destination: LOCAL };
    const payload = udpDatagram({ ...ends, sourcePort: 4001, destinationPort: 53, payload: Buffer.from('x') });
    put(ipPacket({ ...ends, protocol: 17, payload }));
  };
  const open = (): TcpFlow => {
    tcp({ seq: 100, flags: SYN });
    tcp({ seq: 101, ack: (out[0]!.seq + 1) >>> 0 });
    return flow!;
  };
  return { clock, stack, driver, out, closed, tcp, udp, open, flow: () => flow, mappings: () => mappings };
};

t.test('data whose acknowledgement waits to be read are not given up', async (t) => {
  // The timer of the driver fires first, or the packet is read first.
  for (const first of ['timer', 'packet']) {
    const one = bench();
    const flow = one.open();
    flow.write(Buffer.from('data'));
    one.stack.flush();
    const ack = (one.out.at(-1)!.seq + 4) >>> 0;
    one.clock.stall(600_000);
    if (first === 'timer') one.clock.advance(0);
    one.tcp({ seq: 101, ack });
    one.clock.advance(100_000);
    t.same(one.closed, [], first);
    t.equal(flow.state, TcpState.Established, first);
    t.match(one.stack.stats(), { tcpRetransmits: 0, memory: 0 }, `${first}: nothing was even sent again`);
    one.driver.stop();
  }
});

t.test('a handshake whose last segment waits to be read comes about', async (t) => {
  const one = bench();
  one.tcp({ seq: 100, flags: SYN });
  one.clock.stall(600_000);
  one.clock.advance(0);
  one.tcp({ seq: 101, ack: (one.out[0]!.seq + 1) >>> 0 });
  t.equal(one.flow()!.state, TcpState.Established);
  one.driver.stop();
});

t.test('a mapping whose datagram waits to be read stays', async (t) => {
  const one = bench();
  one.udp();
  one.clock.stall(600_000);
  one.clock.advance(0);
  t.equal(one.mappings(), 1);
  one.udp();
  one.clock.advance(100_000);
  t.equal(one.mappings(), 1);
  one.clock.advance(21_000);
  t.equal(one.mappings(), 0, 'in its own time it ends');
  one.driver.stop();
});

t.test('a silence that goes on is judged, a moment later', async (t) => {
  const one = bench();
  one.udp();
  one.clock.stall(600_000);
  one.clock.advance(0);
  one.clock.advance(LATE_MS + 1);
  t.equal(one.mappings(), 0);
  one.driver.stop();
});

t.test('on a machine that is always late time passes nevertheless', async (t) => {
  const one = bench();
  one.udp();
  for (let i = 0; i < 500 && one.mappings() > 0; i++) {
    one.clock.stall(2 * LATE_MS);
    one.clock.advance(0);
  }
  t.equal(one.mappings(), 0);
  one.driver.stop();
});

t.test('a stack that had nothing to do for long is not late', async (t) => {
  const one = bench();
  const flow = one.open();
  one.clock.advance(3_600_000);
  flow.write(Buffer.from('x'));
  await null;
  const before = one.out.length;
  one.clock.advance(2000);
  t.ok(one.out.length > before, 'what is lost is sent again after its usual time');
  one.driver.stop();
});

t.test('a deadline whose last bit is lost in the sums is met nevertheless', async (t) => {
  const clock = new ManualClock();
  // Numbers for which (deadline + lost) - lost is less than the deadline.
  const [deadline, lost] = [7317.335562117654, 23421.808333333327];
  t.ok(deadline + lost - lost < deadline);
  let looks = 0;
  const stack = {
    nextTimer: 0,
    get nextDeadline() {
      return stack.nextTimer;
    },
    tick(now: number) {
      if (++looks > 50) throw new Error('it is looked at without end');
      if (now >= stack.nextTimer) stack.nextTimer = Infinity;
    },
    flush() {},
    onDeadline: undefined,
  };
  const driver = driveNetstack(stack as never, clock);
  clock.stall(lost - LATE_MS);
  // The first one is late by all that time, and put off.
  clock.advance(0);
  t.equal(stack.nextTimer, 0);
  stack.nextTimer = deadline;
  clock.advance(deadline + 2 * LATE_MS);
  t.equal(stack.nextTimer, Infinity);
  driver.stop();
});
