import { Buffer } from 'node:buffer';
import t from 'tap';
import { seededRandom } from '../../../src/lib/random.ts';
import { PIECE_OVERHEAD } from '../../../src/netstack/core/constants.ts';
import { parseAddress } from '../../../src/netstack/ip/address.ts';
import { FlowTable } from '../../../src/netstack/tcp/flow-table.ts';
import { Reassembly } from '../../../src/netstack/tcp/reassembly.ts';
import { SentQueue, SpareQueues } from '../../../src/netstack/tcp/sent-queue.ts';

t.test('connections that differ in a port or an address only have chains of their own', async (t) => {
  const PEERS = 4096;
  const addresses = Int32Array.of(...parseAddress('10.0.0.2')!.words, ...parseAddress('10.0.0.1')!.words);
  for (let seed = 1; seed <= 5; seed++) {
    const table = new FlowTable(seededRandom(seed));
    const byPort = new Set<number>();
    const byAddress = new Set<number>();
    for (let i = 0; i < PEERS; i++) {
      byPort.add(table.key(addresses, 2, ((1024 + i) << 16) | 443));
      const others = Int32Array.from(addresses);
      others[0]! += i;
      byAddress.add(table.key(others, 2, (40_000 << 16) | 443));
    }
    // Of so few keys of 31 bits, hardly two are the same by chance.
    t.ok(byPort.size > PEERS - 8, `${byPort.size} keys of ${PEERS} ports`);
    t.ok(byAddress.size > PEERS - 8, `${byAddress.size} keys of ${PEERS} addresses`);
  }
});

t.test('bytes that come twice ahead of their turn are kept once, the first of them', async (t) => {
  const byte = (length: number, value: number): Buffer => Buffer.alloc(length, value);
  for (const [from, to] of [
    [99, 200],
    [50, 150],
    [100, 200],
    [-100, 1],
    [-50, 50],
    [-100, 0],
    [-10, 110],
    [10, 90],
  ] as const) {
    const kept = new Reassembly();
    kept.add(0, byte(100, 1));
    const news = kept.add(from, byte(to - from, 2));
    const span = Math.max(100, to) - Math.min(0, from);
    const out: Buffer[] = [];
    const pieces = from < 0 && to > 100 ? 1 : news ? 2 : 1;
    t.equal(kept.cost, span + pieces * PIECE_OVERHEAD, `[${from}, ${to}) costs each byte once`);
    const end = kept.drain(Math.min(0, from), (data, offset, length) => {
      out.push(Buffer.from(data.subarray(offset, offset + length)));
    });
    t.equal(end, Math.max(100, to));
    t.equal(Buffer.concat(out).length, span);
    t.equal(kept.cost, 0);
    t.ok(kept.empty);
  }
});

t.test('queues of flows that are over serve again, but for those that have grown large', async (t) => {
  const filled = (segments: number): SentQueue => {
    const queue = new SentQueue();
    for (let i = 1; i <= segments; i++) queue.push(i, 0, 0);
    return queue;
  };
  const spare = new SpareQueues();
  const [largest, larger] = [filled(4096), filled(4097)];
  spare.give(larger);
  t.not(spare.take(0), larger);
  spare.give(largest);
  const again = spare.take(77);
  t.equal(again, largest);
  t.match(again, { count: 0, base: 77 });
  // No more than 256 of them wait.
  const given = Array.from({ length: 300 }, () => new SentQueue());
  for (const queue of given) spare.give(queue);
  const taken = new Set(Array.from({ length: 300 }, () => spare.take(0)));
  t.equal(given.filter((queue) => taken.has(queue)).length, 256);
});
