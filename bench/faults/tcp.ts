// What fault rules cost a read and a write of a connection, in processor time of one thread: node bench/faults/tcp.ts [rounds] [reads]
import { Duplex } from 'node:stream';
import { FaultEngine, type FaultRuleInput } from '../../src/faults/index.ts';
import type { TcpConnection } from '../../src/faults/ports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { Transport } from '../../src/tls/transport.ts';
import { least, median, times } from '../lib/figures.ts';

const ROUNDS = Number(process.argv[2] ?? 7);
const COUNT = Number(process.argv[3] ?? 100_000);
const BYTES = Buffer.alloc(1400);

/** A socket that costs nothing: what is left is the transport and the seam. */
class Nowhere extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    done();
  }
  resetAndDestroy(): this {
    return this.destroy();
  }
}

/** Counts the bytes, and passes them on. */
const counting: FaultRuleInput = { on: { seam: 'tcp' }, then: { do: 'limit_data', bytes: 1_000_000_000_000 } };
const elsewhere = (i: number): FaultRuleInput => ({ on: { seam: 'tcp', session: `s${i}` }, then: { do: 'stall' } });
const many = (count: number, rule: (i: number) => FaultRuleInput) => Array.from({ length: count }, (_, i) => rule(i));

const contenders: Readonly<Record<string, readonly FaultRuleInput[]>> = {
  'no rule': [],
  '10,000 rules about other sessions': many(10_000, elsewhere),
  '1 rule': [counting],
  '20 rules': many(20, () => counting),
};

type Run = () => number;

/** Nanoseconds of a read and a write. */
function prepare(rules: readonly FaultRuleInput[], removed: boolean): Run {
  const raw = new Nowhere();
  const transport = new Transport(raw as never);
  let received = 0;
  transport.on('data', () => void received++);
  const connection: TcpConnection = {
    kind: 'tunnel',
    session: 'abcdef',
    person: undefined,
    remote: { address: '192.0.2.7', key: '192.0.2.7:5000' },
    place: transport,
    end: () => {},
  };
  const faults = new FaultEngine({ clock: systemClock, machine: systemClock, emit: () => {}, seed: 1 });
  faults.knowConnections(() => [connection]);
  for (const rule of rules) faults.add(rule);
  if (removed) faults.clear();
  return () => {
    received = 0;
    const before = process.cpuUsage();
    for (let i = 0; i < COUNT; i++) {
      raw.emit('data', BYTES);
      transport.collect([BYTES]);
      transport.flush();
    }
    const { user, system } = process.cpuUsage(before);
    if (received !== COUNT) throw new Error(`${received} of ${COUNT} arrived`);
    return ((user + system) * 1000) / COUNT;
  };
}

const runs = new Map<string, Run>();
for (const [name, rules] of Object.entries(contenders)) runs.set(name, prepare(rules, false));
runs.set('20 rules, removed', prepare(contenders['20 rules']!, true));
// They begin to flow.
await new Promise((resolve) => setImmediate(resolve));
const figures = new Map<string, number[]>(Array.from(runs.keys(), (name) => [name, []]));
for (const run of runs.values()) run();
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, run] of runs) figures.get(name)!.push(run());
}
const bare = figures.get('no rule')!;
console.log(`cost of a read and a write of a connection, ns of one thread, median (least); node ${process.version}`);
for (const [name, values] of figures) {
  const text = `${median(values).toFixed(0)} (${least(values).toFixed(0)})`;
  console.log(`${name.padEnd(36)}${text.padStart(16)}   ${times(values, bare)} no rule`);
}
