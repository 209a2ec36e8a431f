import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { seededRandom, systemRandom } from '../../src/lib/random.ts';
import type { TcpFlow } from '../../src/netstack/core/types.ts';
import type { createNetstack } from '../../src/netstack/index.ts';
import { threadMicroseconds } from '../lib/cpu.ts';
import { collectGarbage } from '../lib/garbage.ts';
import { ACK, SYN, synOptions, timestampOption, writeSegment } from './peer.ts';

/* The stack alone, without any I/O: packets of 1400 bytes made beforehand go in, packets that come out are acknowledged. */

const MTU = 1400;
const MSS = MTU - 40 - 12;
/** Odd, so that nothing is aligned: as in TLS and UDP buffers. */
const STRIDE = 1403;
const PACKETS = 24_000;
const BATCH = 32;
/** Packets to a turn of the event loop. */
const TURN = 128;

const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Bytes whose value follows from their position modulo a period that no segment size divides. */
const PERIOD = 65_521;
const PATTERN = seededRandom(7).bytes(3 * PERIOD);
PATTERN.copyWithin(PERIOD, 0, PERIOD);
PATTERN.copyWithin(2 * PERIOD, 0, PERIOD);
const patternAt = (position: number, length: number): Buffer => {
  const at = position % PERIOD;
  return PATTERN.subarray(at, at + length);
};

type Output = (buffer: Buffer, offset: number, length: number) => void;

/** What is measured: our stack or another that is made like it. */
export interface Subject {
  readonly name: string;
  create(output: Output, onStream: (stream: Duplex | undefined, flow: TcpFlow | undefined) => void): Running;
}

interface Running {
  input(buffer: Buffer, offset: number, length: number): void;
  flush(): void;
  tick(now: number): void;
  close(): void;
}

/** A stack that this function makes; without `duplex` by callbacks: `onStream` gets no stream. */
export function subject(name: string, create: typeof createNetstack, duplex: boolean): Subject {
  return {
    name,
    create: (output, onStream) =>
      create({
        mtu: MTU,
        random: systemRandom,
        now: 1,
        output,
        onTcp: (request) => {
          const flow = request.accept({ noDelay: true });
          onStream(duplex ? flow.toDuplex() : undefined, flow);
        },
      }),
  };
}

interface Open {
  readonly stack: Running;
  readonly stream: Duplex | undefined;
  readonly flow: TcpFlow | undefined;
  readonly iss: number;
  /** Undefined: without timestamps. */
  readonly tsval: number | undefined;
}

/** A stack with one established flow from the hand-made peer. */
function open(subject: Subject, output: Output): Open {
  let iss = 0;
  let tsval: number | undefined;
  let stream: Duplex | undefined;
  let flow: TcpFlow | undefined;
  let handshake = true;
  const stack = subject.create(
    (buffer, offset, length) => {
      if (!handshake) {
        output(buffer, offset, length);
        return;
      }
      iss = buffer.readInt32BE(offset + 24);
      // The timestamps of our SYN-ACK follow MSS and SACK-permitted.
      if (buffer[offset + 46] === 8) tsval = buffer.readInt32BE(offset + 48);
    },
    (opened, lower) => {
      stream = opened;
      flow = lower;
    },
  );
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
    options: timestampOption(1, tsval ?? 0),
  });
  stack.input(packet, 0, length);
  stream?.on('error', () => {});
  return { stack, stream, flow, iss, tsval };
}

const cpuTime = (): number => threadMicroseconds() * 1000;

/** Peer to stack; every byte is compared. Gigabits a second of CPU time. */
export async function up(subject: Subject): Promise<number> {
  const ring = Buffer.allocUnsafeSlow(PACKETS * STRIDE);
  const lengths = new Int32Array(PACKETS);
  const { stack, stream, flow, iss, tsval } = open(subject, () => {});
  let received = 0;
  const verify = (chunk: Buffer): void => {
    const at = received % PERIOD;
    if (chunk.compare(PATTERN, at, at + chunk.length) !== 0) throw new Error('wrong bytes');
    received += chunk.length;
  };
  if (stream !== undefined) {
    stream.on('data', verify);
  } else {
    flow!.handler = {
      onData: (chunk) => {
        verify(chunk);
        flow!.consumed(chunk.length);
      },
      onClose: () => {},
    };
  }
  stack.flush();
  const options = timestampOption(1, tsval ?? 0);
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
  const start = cpuTime();
  for (let i = 0; i < PACKETS; ) {
    stack.tick(1 + i / 100);
    const end = Math.min(PACKETS, i + BATCH);
    for (; i < end; i++) stack.input(ring, i * STRIDE, lengths[i]!);
    stack.flush();
    if (stream !== undefined && (i & (TURN - 1)) === 0) await nextTurn();
  }
  await nextTurn();
  const nanoseconds = cpuTime() - start;
  if (received !== PACKETS * MSS) throw new Error(`received ${received} of ${PACKETS * MSS} bytes`);
  stack.close();
  return (MSS * 8 * PACKETS) / nanoseconds;
}

/** Stack to peer, in gigabits a second of CPU time: the peer acknowledges every second segment and compares every byte. */
export async function down(subject: Subject): Promise<number> {
  const block = PATTERN.subarray(0, PERIOD);
  let emitted = 0;
  let next = 0;
  let echo = 0;
  const { stack, stream, flow, iss, tsval } = open(subject, (buffer, offset, length) => {
    const header = 20 + ((buffer[offset + 32]! >> 4) << 2);
    const n = length - header;
    if (n === 0) return;
    const at = offset + header;
    const from = ((buffer.readInt32BE(offset + 24) - iss - 1) >>> 0) % PERIOD;
    if (buffer.compare(PATTERN, from, from + n, at, at + n) !== 0) throw new Error('wrong bytes');
    emitted++;
    next = (buffer.readInt32BE(offset + 24) + n) | 0;
    if (header > 40) echo = buffer.readInt32BE(offset + 44);
  });
  const payload = tsval === undefined ? MSS + 12 : MSS;
  stack.flush();
  let acked = (iss + 1) | 0;
  next = acked;
  let running = true;
  if (stream !== undefined) {
    const pump = (): void => {
      while (running && stream.write(block));
    };
    stream.on('drain', pump);
    pump();
  } else {
    const pump = (): void => {
      while (running && flow!.write(block));
    };
    flow!.handler = { onData: () => {}, onDrain: pump, onClose: () => {} };
    pump();
  }
  stack.flush();
  const acks = new AckWriter(tsval !== undefined);
  const start = cpuTime();
  for (let turn = 0; emitted < PACKETS; turn++) {
    stack.tick(1 + turn / 10);
    for (let k = 0; k < 16 && acked !== next; k++) {
      acked = ((next - acked) | 0) < 2 * payload ? next : (acked + 2 * payload) | 0;
      stack.input(acks.packet, 0, acks.write(acked, echo));
    }
    stack.flush();
    if (stream !== undefined && (turn & 3) === 0) await nextTurn();
  }
  const nanoseconds = cpuTime() - start;
  running = false;
  stack.close();
  return (payload * 8 * emitted) / nanoseconds;
}

/** Writes one acknowledgement after the other into the same packet, at little cost. */
class AckWriter {
  readonly packet = Buffer.alloc(64);
  readonly #length: number;
  readonly #timestamps: boolean;
  readonly #sum: number;

  constructor(timestamps: boolean) {
    this.#timestamps = timestamps;
    this.#length = writeSegment(this.packet, 0, {
      sourcePort: 5000,
      destinationPort: 80,
      seq: 1000,
      ack: 0,
      flags: ACK,
      window: 65_535,
      options: timestamps ? timestampOption(1, 0) : Buffer.alloc(0),
    });
    this.#sum = ~this.packet.readUInt16BE(36) & 0xffff;
  }

  write(ack: number, echo: number): number {
    const { packet } = this;
    packet.writeInt32BE(ack, 28);
    let sum = this.#sum + ((ack >>> 16) & 0xffff) + (ack & 0xffff);
    if (this.#timestamps) {
      packet.writeInt32BE(echo, 48);
      sum += ((echo >>> 16) & 0xffff) + (echo & 0xffff);
    }
    sum = (sum & 0xffff) + (sum >>> 16);
    sum = (sum & 0xffff) + (sum >>> 16);
    packet.writeUInt16BE(~sum & 0xffff, 36);
    return this.#length;
  }
}

/** Whole connections a second between two stacks: handshake, one byte each way, FIN from both ends. Both stacks on one core. */
export function connections(create: typeof createNetstack, count: number): number {
  const queue: { packet: Buffer; to: 0 | 1 }[] = [];
  const stacks = [0, 1].map((side) =>
    create({
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
  const start = cpuTime();
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
  const seconds = (cpuTime() - start) / 1e9;
  client.close();
  server.close();
  return count / seconds;
}

/** Bytes of memory that an idle flow holds, after it carried a request and an answer. */
export async function idle(create: typeof createNetstack, how: 'duplex' | 'callback', count: number): Promise<number> {
  const streams: unknown[] = [];
  let iss = 0;
  let tsval = 0;
  let flow: TcpFlow | undefined;
  const stack = create({
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
      collectGarbage();
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
