import { ACK, parsePacket, type RawSegment, SYN } from '../raw-tcp-peer.ts';
import { tcp } from './attacks/packets.ts';
import type { Intruder } from './intruder.ts';

/** A TCP connection of an intruder, as far as it is one. */
export interface Flow {
  readonly port: number;
  /** The next sequence number of either side. */
  seq: number;
  ack: number;
}

const FIRST = 1000;

/** Completes handshakes from so many ports to one service, and leaves the rest to the caller. */
export async function openFlows(
  intruder: Intruder,
  options: {
    readonly ports: Iterable<number>;
    readonly destination: string;
    readonly destinationPort: number;
    /** Window of the last segment of the handshake. */
    readonly window?: number;
    /** Options of the SYN. */
    readonly synOptions?: Buffer;
    readonly onSegment?: (segment: RawSegment) => void;
  },
): Promise<Map<number, Flow>> {
  const { destination, destinationPort, window = 65_535, synOptions = Buffer.alloc(0), onSegment } = options;
  const flows = new Map<number, Flow>();
  const opened: Flow[] = [];
  intruder.onPacket = (packet) => {
    if (packet[9] !== 6) return;
    const segment = parsePacket(packet);
    if (segment.flags === (SYN | ACK) && !flows.has(segment.destinationPort)) {
      const flow = { port: segment.destinationPort, seq: FIRST + 1, ack: (segment.seq + 1) >>> 0 };
      flows.set(flow.port, flow);
      opened.push(flow);
    } else onSegment?.(segment);
  };
  const wanted = [...options.ports];
  for (let at = 0; at < wanted.length; at += 256) {
    const some = wanted.slice(at, at + 256);
    await intruder.send(
      some.map((sourcePort) =>
        tcp(intruder.address, destination, {
          sourcePort,
          destinationPort,
          seq: FIRST,
          flags: SYN,
          window,
          options: synOptions,
        }),
      ),
    );
    await intruder.settled();
    await intruder.send(
      opened
        .splice(0)
        .map(({ port: sourcePort, seq, ack }) =>
          tcp(intruder.address, destination, { sourcePort, destinationPort, seq, ack, window }),
        ),
    );
  }
  await intruder.settled();
  return flows;
}
