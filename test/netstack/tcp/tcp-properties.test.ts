import fc from 'fast-check';
import t from 'tap';
import { TcpState } from '../../../src/netstack/core/types.ts';
import { Reassembly } from '../../../src/netstack/tcp/reassembly.ts';
import { SendBuffer } from '../../../src/netstack/tcp/send-buffer.ts';
import { SentQueue } from '../../../src/netstack/tcp/sent-queue.ts';
import { NetstackTwin, pattern } from '../../support/netstack-twin.ts';
import { ACK, FIN, RawPeer, RST } from '../../support/raw-tcp-peer.ts';

const FUZZ = Number(process.env.TUNNELITE_FUZZ ?? 0);
const runs = (usual: number): { numRuns: number } => ({ numRuns: Math.max(usual, Math.floor(FUZZ / 1000)) });

/** A stream cut into pieces that cover it, some of them twice and overlapping, in any order. */
const interleaving = fc
  .record({
    length: fc.integer({ min: 1, max: 3000 }),
    cuts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 20 }),
    extra: fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 800 })), {
      maxLength: 10,
    }),
    order: fc.array(fc.nat(), { maxLength: 60 }),
    batches: fc.array(fc.boolean(), { minLength: 1, maxLength: 10 }),
  })
  .map(({ length, cuts, extra, order, batches }) => {
    const points = [0, ...cuts.map((cut) => Math.floor(cut * length)), length].sort((a, b) => a - b);
    const pieces: [number, number][] = [];
    for (let i = 1; i < points.length; i++) if (points[i]! > points[i - 1]!) pieces.push([points[i - 1]!, points[i]!]);
    for (const [at, size] of extra) {
      const start = Math.floor(at * length);
      if (start < length) pieces.push([start, Math.min(length, start + size)]);
    }
    // A permutation by successive swaps.
    order.forEach((other, i) => {
      const a = i % pieces.length;
      const b = other % pieces.length;
      [pieces[a], pieces[b]] = [pieces[b]!, pieces[a]!];
    });
    return { length, pieces, batches };
  });

t.test('any interleaving of segments, overlapping and repeated, delivers the bytes in order, once', async (t) => {
  fc.assert(
    fc.property(interleaving, fc.boolean(), ({ length, pieces, batches }, sack) => {
      const data = pattern(length);
      const peer = new RawPeer({ sack }).establish();
      pieces.forEach(([start, end], i) => {
        peer.send(
          {
            seq: 1 + start,
            payload: data.subarray(start, end),
            flags: end === length ? ACK | FIN : ACK,
          },
          batches[i % batches.length],
        );
      });
      peer.stack.flush();
      const got = Buffer.concat(peer.received);
      const { outOfOrderBytes, memory } = peer.stack.stats();
      return got.equals(data) && peer.ended && outOfOrderBytes === 0 && memory === 0;
    }),
    runs(500),
  );
  t.pass();
});

t.test('whatever packets the path loses, the bytes arrive in order, once, and both ends close', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 40 }),
      fc.array(fc.integer({ min: 0, max: 8000 }), { minLength: 1, maxLength: 6 }),
      fc.integer({ min: 1, max: 1000 }),
      (lost, writes, seed) => {
        const got: Buffer[] = [];
        const closed: string[] = [];
        const twin = new NetstackTwin({
          seed,
          impairment: { delay: 5, jitter: 3 },
          b: {
            onTcp: (request) => {
              const flow = request.accept();
              flow.handler = {
                onData: (chunk) => {
                  got.push(chunk);
                  flow.consumed(chunk.length);
                },
                onEnd: () => flow.end(),
                onClose: (reason) => void closed.push(reason),
              };
            },
          },
        });
        let n = 0;
        // Every fourth gets through: eight lost SYNs in a row are a timeout, and rightly so.
        twin.filter = () => n++ % 4 === 3 || !(lost[n - 1] ?? false);
        const flow = twin.a.connect({ localAddress: '10.0.0.1', remoteAddress: '10.0.0.2', remotePort: 1 });
        flow.handler = { onData() {}, onClose: (reason) => void closed.push(reason) };
        const data = pattern(writes.reduce((sum, size) => sum + size, 0));
        let at = 0;
        for (const size of writes) {
          flow.write(data.subarray(at, at + size));
          at += size;
          twin.run(3);
        }
        flow.end();
        twin.until(() => closed.length === 2, 300_000);
        return Buffer.concat(got).equals(data) && closed.every((reason) => reason === 'closed');
      },
    ),
    runs(100),
  );
  t.pass();
});

t.test('reassembly holds exactly what was added, whatever the order, and reports true blocks', async (t) => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 40 })), { maxLength: 40 }),
      fc.integer(),
      (pieces, base) => {
        const held = new Set<number>();
        const reassembly = new Reassembly();
        for (const [start, length] of pieces) {
          const data = Buffer.alloc(length);
          for (let i = 0; i < length; i++) data[i] = (start + i) & 0xff;
          let fresh = false;
          for (let i = 0; i < length; i++) {
            fresh ||= !held.has(start + i);
            held.add(start + i);
          }
          if (reassembly.add((base + start) | 0, data) !== fresh) return false;
        }
        const blocks = new Int32Array(8);
        const count = reassembly.blocks(blocks, 4);
        for (let i = 0; i < count; i++) {
          const start = (blocks[2 * i]! - base) | 0;
          const end = (blocks[2 * i + 1]! - base) | 0;
          for (let p = start; p < end; p++) if (!held.has(p)) return false;
          if (held.has(start - 1) || held.has(end)) return false;
        }
        // Position 0 was never held; with it, everything up to the first gap comes out.
        let expected = 1;
        while (held.has(expected)) expected++;
        const taken: number[] = [];
        const next = reassembly.drain((base + 1) | 0, (data, at, length) => {
          for (let i = 0; i < length; i++) taken.push(data[at + i]!);
        });
        return (
          ((next - base) | 0) === expected &&
          taken.length === expected - 1 &&
          taken.every((byte, i) => byte === ((i + 1) & 0xff))
        );
      },
    ),
    runs(1000),
  );
  t.pass();
});

t.test('the send buffer reads back what was written, anywhere, and frees what was acknowledged', async (t) => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 100 }),
      fc.array(fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.integer({ min: 1, max: 700 }), fc.boolean()), {
        maxLength: 60,
      }),
      (start, sizes, reads) => {
        const total = sizes.reduce((sum, size) => sum + size, 0);
        const data = pattern(total);
        const buffer = new SendBuffer(start);
        let at = 0;
        for (const size of sizes) {
          buffer.push(data.subarray(at, at + size));
          at += size;
        }
        let freed = 0;
        const target = Buffer.alloc(800);
        for (const [where, size, release] of reads) {
          const from = freed + Math.floor(where * (total - freed));
          const n = Math.min(size, total - from);
          if (n > 0) {
            buffer.copy((start + from) | 0, n, target, 50);
            if (!target.subarray(50, 50 + n).equals(data.subarray(from, from + n))) return false;
          }
          if (release) {
            freed = from;
            buffer.release((start + freed) | 0);
          }
        }
        return ((buffer.end - start) | 0) === total;
      },
    ),
    runs(300),
  );
  t.pass();
});

t.test('the sent queue finds the segment of any sequence number while it grows and wraps', async (t) => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.array(fc.tuple(fc.integer({ min: 1, max: 1500 }), fc.boolean()), { minLength: 1, maxLength: 200 }),
      (base, steps) => {
        const queue = new SentQueue();
        queue.reset(base);
        const model: { start: number; end: number; time: number }[] = [];
        let end = base;
        steps.forEach(([length, shift], i) => {
          const start = end;
          end = (end + length) | 0;
          queue.push(end, i, i & 31);
          model.push({ start, end, time: i });
          if (shift && model.length > 1) {
            queue.shift();
            model.shift();
          }
        });
        return (
          queue.count === model.length &&
          model.every(
            ({ start, end, time }, i) =>
              queue.start(i) === start &&
              queue.end(i) === end &&
              queue.time(i) === time &&
              queue.flags(i) === (time & 31) &&
              queue.find(start) === i &&
              queue.find((end - 1) | 0) === i,
          ) &&
          queue.find(end) === model.length
        );
      },
    ),
    runs(200),
  );
  t.pass();
});

/*
 * The model: what RFC 9293 says about the state after each event, as far as one peer in good order can cause it.
 * Numbers are relative as in RawPeer.
 */
interface Model {
  state: TcpState;
  /** Next byte of the peer, next byte of ours, and how much of ours the peer has acknowledged. */
  peerNext: number;
  ourNext: number;
  acknowledged: number;
  ourFin: boolean;
  peerFin: boolean;
  received: string;
}

interface Real {
  readonly peer: RawPeer;
}

const open = (model: Model): boolean => model.state !== TcpState.Closed && model.state !== TcpState.TimeWait;

/** What every command ends with. */
function agree(model: Model, { peer }: Real): void {
  peer.stack.flush();
  if (peer.flow!.state !== model.state) throw new Error(`state ${peer.flow!.state}, by the model ${model.state}`);
  if (peer.data !== model.received) throw new Error('bytes differ from the model');
  if (peer.ended !== model.peerFin && peer.closed === undefined) throw new Error('end differs from the model');
  const over = model.state === TcpState.Closed || model.state === TcpState.TimeWait;
  if (over !== (peer.closed !== undefined)) throw new Error(`owner was told ${peer.closed} in ${model.state}`);
}

abstract class Command {
  abstract check(model: Readonly<Model>): boolean;
  abstract act(model: Model, real: Real): void;
  run(model: Model, real: Real): void {
    this.act(model, real);
    agree(model, real);
  }
  toString(): string {
    return this.constructor.name;
  }
}

class PeerSends extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model) && !model.peerFin;
  }
  act(model: Model, { peer }: Real): void {
    peer.send({ seq: model.peerNext, ack: model.acknowledged, payload: 'ping' });
    model.peerNext += 4;
    model.received += 'ping';
  }
}

class PeerRepeats extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model) && model.received.length > 0;
  }
  act(_model: Model, { peer }: Real): void {
    peer.send({ seq: 1, ack: 1, payload: 'ping' });
  }
}

class PeerFinishes extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model) && !model.peerFin;
  }
  act(model: Model, { peer }: Real): void {
    peer.send({ seq: model.peerNext, ack: model.acknowledged, flags: ACK | FIN });
    model.peerNext += 1;
    model.peerFin = true;
    const next: Partial<Record<TcpState, TcpState>> = {
      [TcpState.Established]: TcpState.CloseWait,
      [TcpState.FinWait1]: TcpState.Closing,
      [TcpState.FinWait2]: TcpState.TimeWait,
    };
    model.state = next[model.state]!;
  }
}

class PeerAcknowledges extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model);
  }
  act(model: Model, { peer }: Real): void {
    peer.send({ seq: model.peerNext, ack: model.ourNext });
    model.acknowledged = model.ourNext;
    if (!model.ourFin) return;
    const next: Partial<Record<TcpState, TcpState>> = {
      [TcpState.FinWait1]: TcpState.FinWait2,
      [TcpState.Closing]: TcpState.TimeWait,
      [TcpState.LastAck]: TcpState.Closed,
    };
    model.state = next[model.state] ?? model.state;
  }
}

class PeerResets extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model);
  }
  act(model: Model, { peer }: Real): void {
    peer.send({ seq: model.peerNext, flags: RST });
    model.state = TcpState.Closed;
  }
}

class OwnerWrites extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model) && !model.ourFin;
  }
  act(model: Model, { peer }: Real): void {
    peer.flow!.write(Buffer.from('pong!'));
    model.ourNext += 5;
  }
}

class OwnerEnds extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model) && !model.ourFin;
  }
  act(model: Model, { peer }: Real): void {
    peer.flow!.end();
    model.ourFin = true;
    model.ourNext += 1;
    model.state = model.state === TcpState.CloseWait ? TcpState.LastAck : TcpState.FinWait1;
  }
}

class OwnerResets extends Command {
  check(model: Readonly<Model>): boolean {
    return open(model);
  }
  act(model: Model, { peer }: Real): void {
    peer.flow!.reset();
    model.state = TcpState.Closed;
  }
}

class TimePasses extends Command {
  check(): boolean {
    return true;
  }
  act(model: Model, { peer }: Real): void {
    peer.wait(1000);
    if (model.state === TcpState.TimeWait) {
      peer.wait(60_000);
      model.state = TcpState.Closed;
    }
  }
}

t.test(
  'any sequence of what peer and owner may do leaves the connection in the state that RFC 9293 says',
  async (t) => {
    const commands = [
      fc.constant(new PeerSends()),
      fc.constant(new PeerRepeats()),
      fc.constant(new PeerFinishes()),
      fc.constant(new PeerAcknowledges()),
      fc.constant(new PeerResets()),
      fc.constant(new OwnerWrites()),
      fc.constant(new OwnerEnds()),
      fc.constant(new OwnerResets()),
      fc.constant(new TimePasses()),
    ];
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 20 }), (sequence) => {
        fc.modelRun(
          () => ({
            model: {
              state: TcpState.Established,
              peerNext: 1,
              ourNext: 1,
              acknowledged: 1,
              ourFin: false,
              peerFin: false,
              received: '',
            },
            real: { peer: new RawPeer().establish() },
          }),
          sequence,
        );
      }),
      runs(500),
    );
    t.pass();
  },
);

t.test(
  'random segments into an open flow raise nothing, leak nothing, and forge no byte before their turn',
  async (t) => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            seq: fc.oneof(fc.integer({ min: -10, max: 200 }), fc.integer()),
            ack: fc.oneof(fc.integer({ min: -10, max: 200 }), fc.integer()),
            flags: fc.integer({ min: 0, max: 255 }),
            window: fc.integer({ min: 0, max: 65_535 }),
            payload: fc.string({ maxLength: 30 }),
            options: fc
              .uint8Array({ maxLength: 5 })
              .map((bytes) => Buffer.from([...bytes, 0, 0, 0, 0].slice(0, bytes.length & ~3))),
            wait: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })),
          }),
          { maxLength: 60 },
        ),
        (segments) => {
          const peer = new RawPeer({ sack: true, windowScale: 3 }).establish();
          peer.flow!.write(Buffer.alloc(500));
          for (const { wait, ...segment } of segments) {
            peer.send(segment);
            if (wait > 0) peer.wait(wait);
          }
          peer.stack.close();
          const { memory, outOfOrderBytes, tcpFlows, tcpTimeWait, tcpHalfOpen } = peer.stack.stats();
          return memory === 0 && outOfOrderBytes === 0 && tcpFlows === 0 && tcpTimeWait === 0 && tcpHalfOpen === 0;
        },
      ),
      runs(500),
    );
    t.pass();
  },
);
