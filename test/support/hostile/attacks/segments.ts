import { setTimeout as delay } from 'node:timers/promises';
import { seededRandom } from '../../../../src/lib/random.ts';
import { ACK, FIN, PSH, type RawSegment, RST, SYN } from '../../raw-tcp-peer.ts';
import { type Flow, openFlows } from '../flows.ts';
import { Intruder } from '../intruder.ts';
import { DISCARD, ECHO, GENERATOR, INTRANET, ports, TOOLS, tcp } from './packets.ts';
import type { Attack } from './types.ts';

/* One session whose TCP is not what it should be. */

const random = seededRandom(5);
const below = (limit: number): number => random.uint32() % limit;

const MSS = (bytes: number): Buffer => Buffer.from([2, 4, bytes >> 8, bytes & 0xff]);
const SACK_PERMITTED = Buffer.from([1, 1, 4, 2]);
const WINDOW_SCALE_14 = Buffer.from([1, 3, 3, 14]);

function sack(blocks: readonly (readonly [start: number, end: number])[]): Buffer {
  const option = Buffer.alloc(4 + 8 * blocks.length);
  option.set([1, 1, 5, 2 + 8 * blocks.length]);
  for (const [i, [start, end]] of blocks.entries()) {
    option.writeUInt32BE(start >>> 0, 4 + 8 * i);
    option.writeUInt32BE(end >>> 0, 8 + 8 * i);
  }
  return option;
}

/** Connections that are reset as soon as they are open, and resets that nobody believes. */
const resets: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const { address } = intruder;
  let flows = 0;
  for (let round = 0; round < 4; round++) {
    const opened = await openFlows(intruder, {
      ports: ports(1000, 2000 + 1000 * round),
      destination: TOOLS,
      destinationPort: ECHO,
    });
    flows += opened.size;
    const one = (flow: Flow, off: number): Buffer =>
      tcp(address, TOOLS, { sourcePort: flow.port, seq: flow.seq + off, flags: RST });
    await intruder.send([...opened.values()].flatMap((flow) => [one(flow, 9), one(flow, 70_000), one(flow, 0)]));
    await intruder.settled();
  }
  return { counts: { flows }, release: () => intruder.leave() };
};

/** Segments of 88 bytes without number on their way, and acknowledgements that pick holes into them. */
const selectiveAcknowledgements: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const { address } = intruder;
  const destinationPort = GENERATOR;
  const top = new Map<number, number>();
  const flows = await openFlows(intruder, {
    ports: ports(20),
    destination: TOOLS,
    destinationPort,
    synOptions: Buffer.concat([MSS(1), SACK_PERMITTED, WINDOW_SCALE_14]),
    onSegment: (segment) => {
      const end = (segment.seq + segment.payload.length) >>> 0;
      const known = top.get(segment.destinationPort);
      if (known === undefined || ((end - known) | 0) > 0) top.set(segment.destinationPort, end);
    },
  });
  const acknowledge = (flow: Flow, options?: Buffer): Buffer =>
    tcp(address, TOOLS, {
      sourcePort: flow.port,
      destinationPort,
      seq: flow.seq,
      ack: flow.ack,
      ...(options ? { options } : {}),
    });
  // The congestion windows grow until there is as much on the way as may be.
  const onTheWay = (): number =>
    Array.from(flows.values(), (flow) => ((top.get(flow.port) ?? flow.ack) - flow.ack) >>> 0).reduce(
      (a, b) => a + b,
      0,
    );
  for (let round = 0; round < 12; round++) {
    for (const flow of flows.values()) flow.ack = top.get(flow.port) ?? flow.ack;
    await intruder.send([...flows.values()].map((flow) => acknowledge(flow)));
    // A flush sends only so much: the rest follows in milliseconds.
    for (let before = -1; onTheWay() > before; ) {
      before = onTheWay();
      await delay(2);
      await intruder.settled();
    }
  }
  let sent = 0;
  const storm = function* (): Generator<Buffer> {
    for (let i = 0; i < 500; i++) {
      for (const flow of flows.values()) {
        const bytes = ((top.get(flow.port) ?? flow.ack) - flow.ack) >>> 0;
        const block = (): [number, number] => {
          const start = flow.ack + 1 + below(Math.max(1, bytes));
          return [start, start + 1 + below(300)];
        };
        sent++;
        yield acknowledge(flow, sack([block(), block(), block(), block()]));
      }
    }
  };
  await intruder.send(storm());
  await intruder.settled();
  return { counts: { flows: flows.size, sent, bytes: onTheWay() }, release: () => intruder.leave() };
};

/** Downloads that are taken byte by byte: a window of one, opened again and again. */
const windowOfOne: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const { address } = intruder;
  let bytes = 0;
  const onSegment = (segment: RawSegment): void => {
    const flow = flows.get(segment.destinationPort);
    if (!flow || segment.payload.length === 0 || segment.seq !== flow.ack) return;
    bytes += segment.payload.length;
    flow.ack = (flow.ack + segment.payload.length) >>> 0;
  };
  let flows = new Map<number, Flow>();
  flows = await openFlows(intruder, {
    ports: ports(200),
    destination: INTRANET,
    destinationPort: 80,
    window: 1,
    onSegment,
  });
  const request = Buffer.from('GET /bytes/1000000 HTTP/1.1\r\nHost: intranet.contoso.internal\r\n\r\n');
  const send = (flow: Flow, payload: Buffer): Buffer =>
    tcp(address, INTRANET, {
      sourcePort: flow.port,
      destinationPort: 80,
      seq: flow.seq,
      ack: flow.ack,
      window: 1,
      payload,
    });
  await intruder.send([...flows.values()].map((flow) => send(flow, request)));
  for (const flow of flows.values()) flow.seq += request.length;
  for (let round = 0; round < 50; round++) {
    await intruder.settled();
    await intruder.send([...flows.values()].map((flow) => send(flow, Buffer.alloc(0))));
  }
  await intruder.settled();
  return { counts: { flows: flows.size, bytes }, release: () => intruder.leave() };
};

/** Single bytes far ahead of their turn, with holes between them; the first byte never comes. */
const earlyBytes: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const flows = await openFlows(intruder, { ports: ports(40), destination: TOOLS, destinationPort: DISCARD });
  const payload = Buffer.from('x');
  let sent = 0;
  const early = function* (): Generator<Buffer> {
    for (let i = 0; i < 500; i++) {
      for (const { port: sourcePort, seq, ack } of flows.values()) {
        sent++;
        const at = seq + 2 + 2 * below(30_000);
        yield tcp(intruder.address, TOOLS, { sourcePort, destinationPort: DISCARD, seq: at, ack, payload });
      }
    }
  };
  await intruder.send(early());
  await intruder.settled();
  return { counts: { flows: flows.size, sent }, release: () => intruder.leave() };
};

/** Everything that a segment can say, at random, to connections that are open. */
const nonsense: Attack = async (target) => {
  const intruder = await Intruder.join(target);
  const flows = [
    ...(await openFlows(intruder, { ports: ports(300), destination: TOOLS, destinationPort: ECHO })).values(),
  ];
  const flags = [0, FIN, SYN, RST, PSH, ACK, FIN | SYN, SYN | ACK, FIN | ACK, SYN | RST | FIN | PSH | ACK | 32 | 64];
  const segments = function* (): Generator<Buffer> {
    for (let i = 0; i < 15_000; i++) {
      const flow = flows[i % flows.length]!;
      yield tcp(intruder.address, TOOLS, {
        sourcePort: flow.port,
        seq: flow.seq + below(200_000) - 100_000,
        ack: flow.ack + below(200_000) - 100_000,
        flags: flags[below(flags.length)]!,
        window: below(65_536),
        payload: Buffer.alloc(below(100)),
        options: Buffer.alloc(4 * below(10), below(256)),
      });
    }
  };
  await intruder.send(segments());
  await intruder.settled();
  return { counts: { flows: flows.length, sent: 15_000 }, release: () => intruder.leave() };
};

export const segmentAttacks = {
  resets,
  selectiveAcknowledgements,
  windowOfOne,
  earlyBytes,
  nonsense,
} satisfies Record<string, Attack>;
