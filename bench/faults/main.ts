// What fault rules cost each datagram and each packet, in processor time of one thread: node bench/faults/main.ts [rounds] [datagrams]
import { FaultEngine, type FaultRuleInput } from '../../src/faults/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import {
  type DatagramReceiver,
  type DatagramSocket,
  type Endpoint,
  endpointOf,
  FaultyDatagramSocket,
  freshStats,
} from '../../src/udp/index.ts';
import { least, median, times } from '../lib/figures.ts';
import { freeTunnel, OWN_ADDRESS } from './tunnel.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const COUNT = Number(process.argv[3] ?? 500_000);
const LENGTH = 1400;

/** A socket that costs nothing: what is left is the seam. */
function nowhere(): DatagramSocket {
  const reserved = Buffer.alloc(2048);
  reserved.set([23, 0xfe, 0xfd, 0, 1]);
  return {
    kind: 'dgram',
    port: 1,
    stats: freshStats(),
    reserve: () => true,
    reserved,
    reservedOffset: 0,
    commit: () => {},
    send: () => true,
    endpoint: endpointOf,
    flush: () => {},
    close: async () => {},
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Counts of every datagram, and strikes none. */
const counting: FaultRuleInput = { on: { seam: 'udp' }, when: { skip: 1_000_000_000 }, then: { do: 'drop' } };
const elsewhere = (i: number): FaultRuleInput => ({ on: { seam: 'udp', session: `s${i}` }, then: { do: 'drop' } });
const many = (count: number, rule: (i: number) => FaultRuleInput) => Array.from({ length: count }, (_, i) => rule(i));

const contenders: Readonly<Record<string, readonly FaultRuleInput[] | undefined>> = {
  'no seam': undefined,
  'no rule': [],
  '1 rule': [counting],
  '20 rules': many(20, () => counting),
  '20 rules about another kind': many(20, () => ({ ...counting, on: { seam: 'udp', kind: 'alert' } })),
  '10,000 rules about other sessions': many(10_000, elsewhere),
};

type Run = () => number;

/** Nanoseconds of a datagram there and one back. */
async function prepare(rules: readonly FaultRuleInput[] | undefined): Promise<Run> {
  const inner = nowhere();
  let received = 0;
  const own: DatagramReceiver = { onDatagram: () => void received++, onBatchEnd: () => {} };
  let outward = inner;
  let inward: DatagramReceiver = own;
  if (rules) {
    const faults = new FaultEngine({ clock: systemClock, machine: systemClock, emit: () => {}, seed: 1 });
    for (const rule of rules) faults.add(rule);
    const seam = { faults, taps: {}, sessionOf: () => 'abcdef' };
    outward = await FaultyDatagramSocket.open(seam, { host: '127.0.0.1', port: 0, receiver: own }, async (options) => {
      inward = options.receiver;
      return inner;
    });
  }
  const far: Endpoint = endpointOf('192.0.2.7', 5000);
  return () => {
    received = 0;
    const before = process.cpuUsage();
    for (let i = 0; i < COUNT; i++) {
      inward.onDatagram(inner.reserved, 0, LENGTH, far);
      outward.reserve(LENGTH);
      outward.commit(LENGTH, far);
    }
    const { user, system } = process.cpuUsage(before);
    if (received !== COUNT) throw new Error(`${received} of ${COUNT} arrived`);
    return ((user + system) * 1000) / COUNT / 2;
  };
}

/** Nanoseconds of a packet there and one back, through a tunnel whose channels and network cost nothing. */
function preparePackets(rules: readonly FaultRuleInput[]): Run {
  const faults = new FaultEngine({ clock: systemClock, machine: systemClock, emit: () => {}, seed: 1 });
  for (const rule of rules) faults.add({ ...rule, on: { ...rule.on, seam: 'packet' } });
  let passed = 0;
  const tunnel = freeTunnel(faults, () => void passed++);
  const packet = Buffer.alloc(16 + LENGTH);
  packet[16] = 0x45;
  packet[16 + 9] = 6;
  packet.set(OWN_ADDRESS, 16 + 12);
  packet.set([10, 20, 0, 10], 16 + 16);
  return () => {
    passed = 0;
    const before = process.cpuUsage();
    for (let i = 0; i < COUNT; i++) {
      tunnel.receive(packet, 16, LENGTH);
      tunnel.deliver(packet, 16, LENGTH);
    }
    const { user, system } = process.cpuUsage(before);
    if (passed !== 2 * COUNT) throw new Error(`${passed} of ${2 * COUNT} arrived`);
    return ((user + system) * 1000) / COUNT / 2;
  };
}

/** Runs all in turn, and prints what each costs. */
function compare(title: string, runs: ReadonlyMap<string, Run>): void {
  const figures = new Map<string, number[]>(Array.from(runs.keys(), (name) => [name, []]));
  for (const run of runs.values()) run();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, run] of runs) figures.get(name)!.push(run());
  }
  const bare = figures.get('no rule')!;
  console.log(`cost of a ${title}, ns of one thread, median (least); node ${process.version}`);
  for (const [name, values] of figures) {
    const text = `${median(values).toFixed(0)} (${least(values).toFixed(0)})`;
    console.log(`${name.padEnd(36)}${text.padStart(16)}   ${times(values, bare)} no rule`);
  }
}

const datagrams = new Map<string, Run>();
for (const [name, rules] of Object.entries(contenders)) datagrams.set(name, await prepare(rules));
compare('datagram at the seam', datagrams);

const ofPackets = ['no rule', '1 rule', '20 rules', '10,000 rules about other sessions'];
const packets = new Map<string, Run>(ofPackets.map((name) => [name, preparePackets(contenders[name]!)]));
const udp: FaultRuleInput = { ...counting, on: { seam: 'packet', kind: 'udp' } };
packets.set('20 rules about another kind', preparePackets(many(20, () => udp)));
compare('packet through a tunnel', packets);
