import t from 'tap';
import type { Connection } from '../../../src/dtls/association/connection.ts';
import { LIMITED, Roaming } from '../../../src/dtls/association/roaming.ts';
import { ReplayWindow } from '../../../src/dtls/record/replay-window.ts';

const ASSOCIATIONS = 10_000;
const RECORDS_PER_SECOND = 500;
const SECONDS = 20;

/** Associations as the search sees them: none opens anything, and each counts how often it was tried. */
function crowd(): { all: Connection[]; opened: () => number } {
  let opened = 0;
  const all = Array.from({ length: ASSOCIATIONS }, (_, i) => {
    const replay = new ReplayWindow();
    for (let n = 0; n <= i % 100; n++) replay.mark(n);
    const open = (): number => {
      opened++;
      return -1;
    };
    return { connected: true, records: { replay, opener: { open } } } as unknown as Connection;
  });
  return { all, opened: () => opened };
}

function record(sequence: number): Buffer {
  const out = Buffer.alloc(13 + 100);
  out.writeUIntBE(0x17fefd, 0, 3);
  out.writeUInt16BE(1, 3);
  out.writeUIntBE(sequence, 5, 6);
  out.writeUInt16BE(100, 11);
  return out;
}

for (const [name, address] of [
  ['one address', () => '192.0.2.1'],
  ['an address of its own each', (i: number) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`],
] as const) {
  t.test(`what junk from ${name} costs depends neither on its number nor on that of the associations`, (t) => {
    const { all, opened } = crowd();
    const roaming = new Roaming();
    let sent = 0;
    for (let ms = 0; ms < SECONDS * 1000; ms += 1000 / RECORDS_PER_SECOND) {
      const found = roaming.find(record(1 + (sent % 5000)), address(sent), { near: [], all }, ms);
      if (typeof found === 'object') t.fail('found');
      sent++;
    }
    t.equal(sent, SECONDS * RECORDS_PER_SECOND);
    t.equal(roaming.trials, opened());
    // One second's worth may be saved up, and one search overdraws.
    t.ok(roaming.trials <= 2000 * (SECONDS + 1), `${roaming.trials} decryptions`);
    t.ok(roaming.visits <= 100_000 * (SECONDS + 1) + ASSOCIATIONS, `${roaming.visits} associations looked at`);
    t.ok(roaming.trials > 0);
    t.end();
  });
}

t.test('one address causes four searches in vain a second', (t) => {
  const { all } = crowd();
  const roaming = new Roaming();
  for (let i = 0; i < 1000; i++) roaming.find(record(50 + i), '192.0.2.1', { near: [], all }, i);
  t.equal(roaming.visits, 4 * ASSOCIATIONS);
  t.ok(roaming.trials <= 4 * 64);
  t.end();
});

t.test('records that no peer can have sent cost nothing', (t) => {
  const { all, opened } = crowd();
  const roaming = new Roaming();
  for (const change of [
    (b: Buffer) => (b[4] = 2),
    (b: Buffer) => (b[1] = 3),
    (b: Buffer) => (b[0] = 22),
    (b: Buffer) => (b[11] = 9),
  ]) {
    const bad = record(50);
    change(bad);
    t.equal(roaming.find(bad, '192.0.2.1', { near: [], all }, 0), undefined);
  }
  t.equal(roaming.visits + opened(), 0);
  t.end();
});

t.test('the one among many whose number fits best is found with few decryptions', (t) => {
  const { all } = crowd();
  const roaming = new Roaming();
  const owner = all[7777]!;
  for (let n = 0; n <= 5000; n++) owner.records.replay.mark(n);
  (owner.records as unknown as { opener: { open: () => number } }).opener = { open: () => 10 };
  t.equal(roaming.find(record(5003), '192.0.2.1', { near: [], all }, 0), owner);
  t.equal(roaming.trials, 1);
  t.end();
});

t.test('one datagram causes 64 decryptions at the most, and says that more might be tried', (t) => {
  const { all, opened } = crowd();
  const roaming = new Roaming();
  // Three known addresses of one client, then everybody: the near ones count.
  t.equal(roaming.find(record(50), '192.0.2.1', { near: all.slice(0, 3), all }, 0), LIMITED);
  t.equal(opened(), 64);
  t.equal(roaming.trials, 64);
  const few = crowd();
  t.equal(
    new Roaming().find(
      record(50),
      '192.0.2.1',
      { near: [], all: few.all.filter((_, i) => i % 100 < 50).slice(0, 64) },
      0,
    ),
    undefined,
  );
  t.equal(few.opened(), 64, 'all of 64');
  t.end();
});

t.test('a second allows 2000 decryptions over all addresses', (t) => {
  const { all, opened } = crowd();
  const small = all.slice(0, 64);
  const roaming = new Roaming();
  for (let i = 0; i < 100; i++) roaming.find(record(50), `10.0.0.${i}`, { near: [], all: small }, 0);
  t.equal(opened(), 2000);
  roaming.find(record(50), '10.0.1.1', { near: [], all: small }, 1);
  t.equal(opened(), 2002, 'two more a millisecond later');
  t.end();
});

t.test('a second allows 100,000 associations to be looked at over all addresses', (t) => {
  const { all } = crowd();
  const roaming = new Roaming();
  // A number that none of them can have had: looked at, and not tried.
  const far = record(200_000);
  for (let i = 0; i < 40; i++) roaming.find(far, `10.0.0.${i}`, { near: [], all }, 0);
  t.equal(roaming.visits, 100_000);
  t.equal(roaming.trials, 0);
  t.equal(roaming.find(far, '10.0.1.1', { near: [], all }, 0), LIMITED);
  t.end();
});

t.test('searches in vain are counted for 1024 addresses a second, and no others are searched for', (t) => {
  const roaming = new Roaming();
  const find = (i: number, now: number) =>
    roaming.find(record(5), `10.0.${i >> 8}.${i & 255}`, { near: [], all: [] }, now);
  for (let i = 0; i < 1024; i++) if (find(i, 0) !== undefined) t.fail(`address ${i}`);
  t.equal(find(1024, 0), LIMITED);
  t.equal(find(1, 0), undefined, 'one of those has its four');
  t.equal(find(1024, 999), LIMITED);
  t.equal(find(1024, 1000), undefined, 'a second later there is room');
  t.end();
});

t.test('an association whose number is more than 65,536 behind, or which has had it, is not tried', (t) => {
  const { all, opened } = crowd();
  const one = [all[0]!];
  const tries = (sequence: number): number => {
    const before = opened();
    new Roaming().find(record(sequence), '192.0.2.1', { near: [], all: one }, 0);
    return opened() - before;
  };
  t.strictSame([0, 1, 65_536, 65_537].map(tries), [0, 1, 1, 0]);
  const closed = { ...one[0]!, connected: false } as unknown as Connection;
  t.equal(new Roaming().find(record(1), '192.0.2.1', { near: [], all: [closed] }, 0), undefined);
  t.end();
});
