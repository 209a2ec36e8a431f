import { Buffer } from 'node:buffer';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';
import { createNetstack } from '../../src/netstack/index.ts';
import type { TcpFlow } from '../../src/netstack/types.ts';
import { ACK, SYN, synOptions, timestampOption, writeSegment } from './peer.ts';

/* The stack alone, without any I/O: packets of 1400 bytes made beforehand go in, packets that come out are acknowledged. */

const MTU = 1400;
const MSS = MTU - 40 - 12;
/** Odd, so that nothing is aligned: as in TLS and UDP buffers. */
const STRIDE = 1403;
const PACKETS = 24_000;
const BATCH = 32;
const ROUNDS = 6;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Bytes whose value follows from their position modulo 256 KiB minus one. */
const PATTERN = seededRandom(7).bytes(2 * 262_143);
PATTERN.copyWithin(262_143, 0, 262_143);
const patternAt = (position: number, length: number): Buffer => {
  const at = position % 262_143;
  return PATTERN.subarray(at, at + length);
};

export interface Figure {
  readonly gigabits: number;
  readonly nanosecondsPerPacket: number;
}

interface Open {
  readonly stack: ReturnType<typeof createNetstack>;
  readonly flow: TcpFlow;
  readonly iss: number;
  readonly tsval: number;
}

/** A stack with one established flow from the hand-made peer. */
function open(output: (buffer: Buffer, offset: number, length: number) => void): Open {
  let iss = 0;
  let tsval = 0;
  let flow: TcpFlow | undefined;
  let handshake = true;
  const stack = createNetstack({
    mtu: MTU,
    random: systemRandom,
    now: 1,
    output: (buffer, offset, length) => {
      if (!handshake) {
        output(buffer, offset, length);
        return;
      }
      iss = buffer.readInt32BE(offset + 24);
      tsval = buffer.readInt32BE(offset + 20 + 20 + 8);
    },
    onTcp: (request) => {
      flow = request.accept({ noDelay: true });
    },
  });
  const packet = Buffer.alloc(128);
  const ports = { sourcePort: 5000, destinationPort: 80 };
  let length = writeSegment(packet, 0, {
    ...ports,
    seq: 999,
    ack: 0,
    flags: SYN,
    window: 65_535,
    options: synOptions(MTU - 40, 1),
  });
  stack.input(packet, 0, length);
  stack.flush();
  handshake = false;
  length = writeSegment(packet, 0, {
    ...ports,
    seq: 1000,
    ack: iss + 1,
    flags: ACK,
    window: 65_535,
    options: timestampOption(1, tsval),
  });
  stack.input(packet, 0, length);
  return { stack, flow: flow!, iss, tsval };
}

/** Peer to stack. `how`: as stream, or by the callback form. Every byte is compared. */
export async function up(how: 'duplex' | 'callback'): Promise<Figure> {
  const ring = Buffer.allocUnsafeSlow(PACKETS * STRIDE);
  const lengths = new Int32Array(PACKETS);
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const { stack, flow, iss, tsval } = open(() => {});
    let received = 0;
    const verify = (chunk: Buffer): void => {
      if (Buffer.compare(chunk, patternAt(received, chunk.length)) !== 0) throw new Error('wrong bytes');
      received += chunk.length;
    };
    if (how === 'duplex') {
      flow
        .toDuplex()
        .on('data', verify)
        .on('error', () => {});
    } else {
      flow.handler = {
        onData: (chunk) => {
          verify(chunk);
          flow.consumed(chunk.length);
        },
        onClose: () => {},
      };
    }
    stack.flush();
    const options = timestampOption(1, tsval);
    for (let i = 0; i < PACKETS; i++) {
      lengths[i] = writeSegment(ring, i * STRIDE, {
        sourcePort: 5000,
        destinationPort: 80,
        seq: 1000 + i * MSS,
        ack: iss + 1,
        flags: ACK,
        window: 65_535,
        options,
        payload: patternAt(i * MSS, MSS),
      });
    }
    await nextTurn();
    const start = process.hrtime.bigint();
    for (let i = 0; i < PACKETS; ) {
      stack.tick(1 + i / 100);
      const end = Math.min(PACKETS, i + BATCH);
      for (; i < end; i++) stack.input(ring, i * STRIDE, lengths[i]!);
      stack.flush();
      if (how === 'duplex') await nextTurn();
    }
    const nanoseconds = Number(process.hrtime.bigint() - start);
    if (received !== PACKETS * MSS) throw new Error(`received ${received} of ${PACKETS * MSS} bytes`);
    stack.close();
    if (round > 0) best = Math.min(best, nanoseconds / PACKETS);
  }
  return { nanosecondsPerPacket: best, gigabits: (MSS * 8) / best };
}

/** Stack to peer: the peer acknowledges every second segment and compares every byte. */
export async function down(how: 'duplex' | 'callback'): Promise<Figure> {
  let best = Infinity;
  const block = PATTERN.subarray(0, 262_143);
  for (let round = 0; round < ROUNDS; round++) {
    let emitted = 0;
    let next = 0;
    let sent = 0;
    let echo = 0;
    const { stack, flow, iss } = open((buffer, offset, length) => {
      if (length < 100) return;
      const at = offset + 52;
      const n = length - 52;
      if (buffer.compare(PATTERN, sent % 262_143, (sent % 262_143) + n, at, at + n) !== 0)
        throw new Error('wrong bytes');
      sent += n;
      emitted++;
      next = (buffer.readInt32BE(offset + 24) + n) | 0;
      echo = buffer.readInt32BE(offset + 44);
    });
    stack.flush();
    const ack = Buffer.alloc(64);
    let acked = iss + 1;
    next = acked;
    let running = true;
    if (how === 'duplex') {
      const stream = flow.toDuplex();
      stream.on('error', () => {});
      const pump = (): void => {
        while (running && stream.write(block));
      };
      stream.on('drain', pump);
      pump();
    } else {
      const pump = (): void => {
        while (running && flow.write(block));
      };
      flow.handler = { onData: () => {}, onDrain: pump, onClose: () => {} };
      pump();
    }
    stack.flush();
    const start = process.hrtime.bigint();
    for (let turn = 0; emitted < PACKETS; turn++) {
      stack.tick(1 + turn / 10);
      for (let k = 0; k < 16 && acked !== next; k++) {
        acked = ((next - acked) | 0) < 2 * MSS ? next : (acked + 2 * MSS) | 0;
        const length = writeSegment(ack, 0, {
          sourcePort: 5000,
          destinationPort: 80,
          seq: 1000,
          ack: acked,
          flags: ACK,
          window: 65_535,
          options: timestampOption(1, echo),
        });
        stack.input(ack, 0, length);
      }
      stack.flush();
      if (how === 'duplex') await nextTurn();
    }
    const nanoseconds = Number(process.hrtime.bigint() - start);
    running = false;
    stack.close();
    if (round > 0) best = Math.min(best, nanoseconds / emitted);
  }
  return { nanosecondsPerPacket: best, gigabits: (MSS * 8) / best };
}

/** Whole connections a second between two stacks: handshake, one byte each way, FIN from both ends. Both stacks on one core. */
export function connections(count: number): number {
  const queue: { packet: Buffer; to: 0 | 1 }[] = [];
  const stacks = [0, 1].map((side) =>
    createNetstack({
      random: systemRandom,
      now: 0,
      tcp: { timeWait: 100 },
      output: (buffer, offset, length) =>
        void queue.push({
          packet: Buffer.from(buffer.subarray(offset, offset + length)),
          to: side === 0 ? 1 : 0,
        }),
      onTcp: (request) => {
        const flow = request.accept({ noDelay: true });
        flow.handler = {
          onData: (chunk) => {
            flow.consumed(chunk.length);
            flow.write(chunk);
          },
          onEnd: () => flow.end(),
          onClose: () => {},
        };
      },
    }),
  );
  const [client, server] = stacks as [(typeof stacks)[0], (typeof stacks)[0]];
  let done = 0;
  const byte = Buffer.from('x');
  const start = process.hrtime.bigint();
  let now = 0;
  for (let started = 0; done < count; ) {
    for (let k = 0; k < 32 && started < count; k++, started++) {
      const flow = client.connect({
        localAddress: '10.0.0.1',
        remoteAddress: '10.0.0.2',
        remotePort: 1 + (started % 1000),
        noDelay: true,
      });
      flow.handler = {
        onConnect: () => void flow.write(byte),
        onData: () => flow.end(),
        onClose: () => void done++,
      };
    }
    now += 1;
    client.tick(now);
    server.tick(now);
    while (queue.length > 0) {
      const batch = queue.splice(0);
      for (const { packet, to } of batch) stacks[to]!.input(packet, 0, packet.length);
      client.flush();
      server.flush();
    }
  }
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  client.close();
  server.close();
  return count / seconds;
}

/** Bytes of memory that an idle flow holds, after it carried a request and an answer. Needs --expose-gc. */
export async function idle(how: 'duplex' | 'callback', count: number): Promise<number> {
  const collect = (globalThis as { gc?: () => void }).gc;
  if (collect === undefined) return Number.NaN;
  const streams: unknown[] = [];
  let iss = 0;
  let tsval = 0;
  let flow: TcpFlow | undefined;
  const stack = createNetstack({
    mtu: MTU,
    random: systemRandom,
    now: 1,
    output: (buffer, offset) => {
      iss = buffer.readInt32BE(offset + 24);
      if (buffer[offset + 33]! & SYN) tsval = buffer.readInt32BE(offset + 48);
    },
    onTcp: (request) => {
      flow = request.accept({ noDelay: true });
      const accepted = flow;
      if (how === 'duplex') {
        const stream = accepted.toDuplex();
        stream.on('error', () => {});
        stream.on('data', (chunk: Buffer) => void stream.write(chunk));
        streams.push(stream);
      } else {
        accepted.handler = {
          onData: (chunk) => {
            accepted.consumed(chunk.length);
            accepted.write(chunk);
          },
          onClose: () => {},
        };
      }
    },
  });
  const settle = async (): Promise<number> => {
    for (let i = 0; i < 4; i++) {
      await nextTurn();
      collect();
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };
  const packet = Buffer.alloc(256);
  const request = Buffer.alloc(100, 1);
  const openOne = async (i: number): Promise<void> => {
    const ports = { sourcePort: 1024 + (i % 60_000), destinationPort: 80 + Math.floor(i / 60_000) };
    const send = (fields: { seq: number; ack: number; flags: number; options: Buffer; payload?: Buffer }): void => {
      const length = writeSegment(packet, 0, { ...ports, window: 65_535, ...fields });
      stack.input(packet, 0, length);
      stack.flush();
    };
    send({ seq: 999, ack: 0, flags: SYN, options: synOptions(MTU - 40, 1) });
    const first = iss;
    const options = timestampOption(1, tsval);
    send({ seq: 1000, ack: first + 1, flags: ACK, options, payload: request });
    if (how === 'duplex') await nextTurn();
    stack.flush();
    send({ seq: 1100, ack: first + 101, flags: ACK, options });
  };
  for (let i = 0; i < 1000; i++) await openOne(i);
  const before = await settle();
  for (let i = 1000; i < 1000 + count; i++) await openOne(i);
  const after = await settle();
  stack.close();
  return (after - before) / count;
}
