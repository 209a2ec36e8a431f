// What a capture costs each packet, in processor time of one thread: node bench/capture/main.ts [rounds] [packets]
import { CaptureHub } from '../../src/capture/index.ts';
import { noFaults } from '../../src/faults/ports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  endpointOf,
  FaultyDatagramSocket,
  freshStats,
} from '../../src/udp/index.ts';
import { freeTunnel, OWN_ADDRESS } from '../faults/tunnel.ts';
import { least, median, times } from '../lib/figures.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const COUNT = Number(process.argv[3] ?? 300_000);
const LENGTH = 1400;

const newHub = () =>
  new CaptureHub({ machine: systemClock, emit: () => {}, version: 'bench', subscribe: () => () => {} });

/** Processor time of one call, in nanoseconds. */
function measured(work: () => void, calls: number): number {
  const before = process.cpuUsage();
  for (let i = 0; i < calls / 2; i++) work();
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1000) / calls;
}

/** A packet through a tunnel and one back; its channels and the network behind it cost nothing. */
function packets(hub: CaptureHub): () => void {
  const tunnel = freeTunnel(noFaults, () => {}, hub);
  const packet = Buffer.alloc(16 + LENGTH);
  packet[16] = 0x45;
  packet[16 + 9] = 6;
  packet.set(OWN_ADDRESS, 16 + 12);
  return () => {
    tunnel.receive(packet, 16, LENGTH);
    tunnel.deliver(packet, 16, LENGTH);
  };
}

/** A datagram in and one out, at a socket that costs nothing. */
async function datagrams(hub: CaptureHub): Promise<() => void> {
  const inner: DatagramSocket = {
    kind: 'dgram',
    port: 1,
    stats: freshStats(),
    reserve: () => true,
    reserved: Buffer.alloc(2048),
    reservedOffset: 0,
    commit: () => {},
    send: () => true,
    endpoint: endpointOf,
    flush: () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
  const receiver: DatagramReceiver = { onDatagram: () => {}, onBatchEnd: () => {} };
  let inward = receiver;
  const seam = { faults: noFaults, taps: hub, sessionOf: () => 'abcdef' };
  const socket = await FaultyDatagramSocket.open(seam, { host: '127.0.0.1', port: 0, receiver }, async (options) => {
    inward = options.receiver;
    return inner;
  });
  const far = endpointOf('192.0.2.7', 5000);
  return () => {
    inward.onDatagram(inner.reserved, 0, LENGTH, far);
    socket.commit(LENGTH, far);
  };
}

for (const [what, prepare] of [
  ['IP packet through a tunnel', packets],
  ['datagram at the socket', datagrams],
] as const) {
  const [off, on] = [newHub(), newHub()];
  const runs = new Map([
    ['off', await prepare(off)],
    ['on', await prepare(on)],
  ]);
  on.start();
  const figures = new Map<string, number[]>(Array.from(runs.keys(), (name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, work] of runs) {
      const figure = measured(work, COUNT);
      // The first one warms up.
      if (round > 0) figures.get(name)!.push(figure);
    }
  }
  if (on.list()[0]!.status.packets !== COUNT * (ROUNDS + 1)) throw new Error('not every packet was captured');
  console.log(`${what} of ${LENGTH} bytes, ns of one thread, median (least); node ${process.version}`);
  for (const [name, values] of figures) {
    const text = `${median(values).toFixed(0)} (${least(values).toFixed(0)})`;
    console.log(`capture ${name.padEnd(8)}${text.padStart(16)}   ${times(values, figures.get('off')!)} off`);
  }
}
