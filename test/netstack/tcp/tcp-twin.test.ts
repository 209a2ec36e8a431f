import t from 'tap';
import type { TcpCloseReason, TcpFlow, TcpFlowHandler, TcpOptions } from '../../../src/netstack/core/types.ts';
import { type Impairment, NetstackTwin, pattern } from '../../support/netstack-twin.ts';

const TOTAL = 1_000_000;
const BLOCK = pattern(65_536);

interface Result {
  readonly twin: NetstackTwin;
  readonly flow: TcpFlow;
  readonly echoed: number;
  readonly wrong: number;
  readonly reasons: readonly (TcpCloseReason | undefined)[];
  readonly elapsed: number;
}

/** Sends a megabyte to the other stack, which echoes it with backpressure, half-closes, and compares every byte. */
function echo(impairment: Impairment, tcp: TcpOptions = {}, seed = 1): Result {
  let serverReason: TcpCloseReason | undefined;
  const twin = new NetstackTwin({
    seed,
    impairment,
    a: { tcp },
    b: {
      tcp,
      onTcp: (request) => {
        const flow = request.accept();
        let waiting: Buffer[] = [];
        let full = false;
        let over = false;
        const handler: TcpFlowHandler = {
          onData: (chunk) => {
            waiting.push(chunk);
            if (!full) handler.onDrain!();
          },
          onDrain: () => {
            full = false;
            const chunks = waiting;
            waiting = [];
            for (let i = 0; i < chunks.length; i++) {
              if (full) {
                waiting = chunks.slice(i);
                return;
              }
              full = !flow.write(chunks[i]!);
              flow.consumed(chunks[i]!.length);
            }
            if (over) flow.end();
          },
          onEnd: () => {
            over = true;
            if (waiting.length === 0) flow.end();
          },
          onClose: (reason) => {
            serverReason = reason;
          },
        };
        flow.handler = handler;
      },
    },
  });
  let echoed = 0;
  let wrong = 0;
  let written = 0;
  let clientReason: TcpCloseReason | undefined;
  const flow = twin.a.connect({ localAddress: 'fd00::1', remoteAddress: 'fd00::2', remotePort: 7 });
  const pump = (): void => {
    while (written < TOTAL) {
      const n = Math.min(BLOCK.length, TOTAL - written);
      written += n;
      if (!flow.write(BLOCK.subarray(0, n))) return;
    }
    flow.end();
  };
  flow.handler = {
    onConnect: pump,
    onDrain: pump,
    onData: (chunk) => {
      for (let at = 0; at < chunk.length; ) {
        const from = echoed & 0xffff;
        const n = Math.min(chunk.length - at, 65_536 - from);
        if (chunk.compare(BLOCK, from, from + n, at, at + n) !== 0) wrong++;
        at += n;
        echoed += n;
      }
      flow.consumed(chunk.length);
    },
    onClose: (reason) => {
      clientReason = reason;
    },
  };
  const start = twin.now;
  twin.until(() => clientReason !== undefined && serverReason !== undefined, 600_000);
  return { twin, flow, echoed, wrong, reasons: [clientReason, serverReason], elapsed: twin.now - start };
}

const PROFILES: readonly (readonly [string, Impairment])[] = [
  ['a clean path', { delay: 5 }],
  ['1 % loss', { delay: 10, loss: 0.01 }],
  ['5 % loss, 3 % reordering, 1 % corruption', { delay: 5, loss: 0.05, reorder: 0.03, corrupt: 0.01 }],
  ['20 % loss', { delay: 2, loss: 0.2 }],
  ['duplication', { delay: 5, duplicate: 0.2 }],
  ['jitter that reorders everything', { delay: 5, jitter: 10 }],
  ['a slow link with a short queue', { delay: 10, rate: 20_000, queue: 20 }],
  ['a long fat pipe', { delay: 150, rate: 500_000, queue: 2000 }],
  ['a path that carries less than it says', { delay: 2, mtu: 1300 }],
];

for (const [name, impairment] of PROFILES) {
  t.test(`a megabyte is echoed exactly over ${name}`, async (t) => {
    for (const [kind, tcp] of [
      ['cubic', {}],
      ['newreno without SACK and timestamps', { congestion: 'newreno', sack: false, timestamps: false }],
      ['without window scaling', { windowScaling: false }],
    ] as const) {
      const { echoed, wrong, reasons, twin } = echo(impairment, tcp);
      t.equal(echoed, TOTAL, kind);
      t.equal(wrong, 0, kind);
      t.same(reasons, ['closed', 'closed'], kind);
      for (const stack of [twin.a, twin.b]) {
        const stats = stack.stats();
        t.equal(stats.memory, 0, 'no memory is held in the end');
        t.equal(stats.outOfOrderBytes, 0);
        t.equal(stats.tcpFlows, 0);
      }
    }
  });
}

t.test('no chance of loss brings a flow to a halt: a dozen seeds of a terrible path', async (t) => {
  // One packet in five is lost: now and then all tries of one segment are, and the side that made them says so and ends.
  const gaveUp: number[] = [];
  for (let seed = 1; seed <= 12; seed++) {
    const { echoed, reasons } = echo({ delay: 2, loss: 0.2, reorder: 0.05, duplicate: 0.05 }, {}, seed);
    if (reasons.includes('timeout')) {
      gaveUp.push(seed);
      continue;
    }
    t.equal(echoed, TOTAL, `seed ${seed}`);
    t.same(reasons, ['closed', 'closed'], `seed ${seed}`);
  }
  t.ok(gaveUp.length <= 1, `seeds ${gaveUp.join()} gave up`);
});

t.test('the same seed gives the same run, to the packet', async (t) => {
  const run = (): number[] => {
    const { twin, elapsed } = echo({ delay: 5, loss: 0.05, reorder: 0.05, jitter: 2 }, {}, 7);
    return [twin.packets, twin.lost, elapsed];
  };
  t.same(run(), run());
});

t.test('a link is filled: twenty megabits carry nearly twenty', async (t) => {
  const { elapsed } = echo({ delay: 10, rate: 20_000, queue: 60 });
  // A megabyte and its headers, once each way, the second on the heels of the first.
  const ideal = (TOTAL * 8 * 1.05) / 20_000;
  t.ok(elapsed < 1.5 * ideal, `${Math.round(elapsed)} ms, at best ${Math.round(ideal)} ms`);
});

t.test('reordering without loss costs less than half of the speed', async (t) => {
  const straight = echo({ delay: 10 }).elapsed;
  const reordered = echo({ delay: 10, reorder: 0.1, reorderDelay: 4 });
  t.ok(reordered.elapsed < 2 * straight, `${reordered.elapsed} ms against ${straight} ms`);
});

t.test('a closed window is waited out: an owner that reads late loses nothing', async (t) => {
  const kept: Buffer[] = [];
  let server: TcpFlow | undefined;
  const twin = new NetstackTwin({
    b: {
      tcp: { receiveBuffer: 50_000 },
      onTcp: (request) => {
        server = request.accept();
        server.handler = { onData: (chunk) => void kept.push(chunk), onClose() {} };
      },
    },
  });
  const flow = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 9 });
  flow.handler = { onData() {}, onClose() {} };
  const data = pattern(200_000);
  flow.write(data);
  twin.run(120_000);
  t.ok(Buffer.concat(kept).length <= 50_000);
  t.equal(flow.state, 'ESTABLISHED', 'two minutes of a closed window do not end a flow');
  let consumed = 0;
  for (let i = 0; i < 2000 && Buffer.concat(kept).length < data.length; i++) {
    const have = Buffer.concat(kept).length;
    server!.consumed(have - consumed);
    consumed = have;
    twin.run(100);
  }
  t.ok(Buffer.concat(kept).equals(data));
});

t.test('a thousand flows at once keep their bytes apart', async (t) => {
  const twin = new NetstackTwin({
    impairment: { delay: 5, loss: 0.02 },
    b: {
      onTcp: (request) => {
        const flow = request.accept();
        flow.handler = {
          onData: (chunk) => {
            flow.consumed(chunk.length);
            flow.write(chunk);
          },
          onEnd: () => flow.end(),
          onClose() {},
        };
      },
    },
  });
  let exact = 0;
  let closed = 0;
  for (let i = 0; i < 1000; i++) {
    const flow = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 1 + (i % 50) });
    const sent = Buffer.from(`${i}.`.repeat(500));
    const got: Buffer[] = [];
    flow.handler = {
      onConnect: () => {
        flow.write(sent);
        flow.end();
      },
      onData: (chunk) => {
        got.push(chunk);
        flow.consumed(chunk.length);
      },
      onEnd: () => {
        if (Buffer.concat(got).equals(sent)) exact++;
      },
      onClose: () => void closed++,
    };
  }
  twin.until(() => closed === 1000, 120_000);
  twin.run(60_000);
  t.equal(exact, 1000);
  t.equal(twin.b.stats().memory, 0);
});
