import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import t from 'tap';
import { CaptureFile } from '../../src/capture/index.ts';
import { blockAt, pcapngHeader, pcapngPacket, pcapngSecrets } from '../../src/wire/pcapng.ts';

const packet = (i: number) => pcapngPacket({ time: i, bytes: Buffer.alloc(200, i) });
const windows = process.platform === 'win32' && 'file modes mean nothing there';

t.test('only its owner can read the file, also where one was that others could read', { skip: windows }, async (t) => {
  const path = join(t.testdir({ 'a.pcapng': 'old' }), 'a.pcapng');
  chmodSync(path, 0o644);
  const file = new CaptureFile(path);
  t.equal(statSync(path).mode & 0o777, 0o600, 'before anything is written');
  file.end(pcapngHeader('x', ['a']));
  await finished(file);
  t.same(readFileSync(path), pcapngHeader('x', ['a']));
});

t.test('it goes on in new files, each of which can be read alone, and keeps the newest', async (t) => {
  const folder = t.testdir();
  const file = new CaptureFile(join(folder, 'a.pcapng'), { size: 2_000, files: 3 });
  const all = Buffer.concat([
    pcapngHeader('x', ['a']),
    pcapngSecrets('CLIENT_RANDOM 00 11\n'),
    ...Array.from({ length: 100 }, (_, i) => packet(i)),
  ]);
  // In pieces that respect nothing.
  for (let at = 0; at < all.length; at += 333) file.write(all.subarray(at, at + 333));
  file.end();
  await finished(file);
  const names = readdirSync(folder).toSorted();
  t.equal(names.length, 3);
  t.notOk(existsSync(join(folder, 'a-1.pcapng')));
  let packets = 0;
  for (const name of names) {
    const bytes = readFileSync(join(folder, name));
    t.ok(bytes.length <= 2_000, `${name}: ${bytes.length}`);
    const types: number[] = [];
    for (let at = 0; at < bytes.length; at += blockAt(bytes, at).length) types.push(bytes.readUInt32LE(at));
    t.strictSame(types.slice(0, 3), [0x0a0d0d0a, 1, 0x0a], 'section, interface and keys first');
    packets += types.length - 3;
    if (process.platform !== 'win32') t.equal(statSync(join(folder, name)).mode & 0o777, 0o600);
  }
  t.ok(packets >= 15 && packets < 25, `${packets} packets are left`);
});

t.test('an earlier file is replaced by the first bytes, and not by a capture that has none', async (t) => {
  const path = join(t.testdir({ 'a.pcapng': 'an earlier capture, longer than the next' }), 'a.pcapng');
  new CaptureFile(path).destroy();
  t.equal(readFileSync(path, 'utf8'), 'an earlier capture, longer than the next');
  const next = new CaptureFile(path);
  next.end(Buffer.from('next'));
  await finished(next);
  t.equal(readFileSync(path, 'utf8'), 'next');
});

t.test('a file that is given up during a write is closed after it', async (t) => {
  const path = join(t.testdir(), 'a.pcapng');
  const file = new CaptureFile(path);
  file.write(packet(1));
  file.destroy();
  // Would get the descriptor if it were free, and the packet with it.
  const other = openSync(join(t.testdirName, 'other'), 'w');
  while (statSync(path).size === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  t.equal(fstatSync(other).size, 0);
  closeSync(other);
  t.same(readFileSync(path), packet(1));
});

t.test('what cannot be written, or is no capture, is an error and no crash', async (t) => {
  const folder = t.testdir({ file: '' });
  t.throws(() => new CaptureFile(join(folder, 'nowhere/a')), { code: 'ERR_CAPTURE_FILE' });
  t.throws(() => new CaptureFile(folder), { code: 'ERR_CAPTURE_FILE' });
  for (const files of [0, -1, 1.5, Number.NaN, 1e9]) {
    t.throws(() => new CaptureFile(join(folder, 'a'), { size: 1, files }), { code: 'ERR_CAPTURE_OPTIONS' }, `${files}`);
  }
  t.throws(() => new CaptureFile(join(folder, 'a'), { files: 2 }), { code: 'ERR_CAPTURE_OPTIONS' });
  const broken = new CaptureFile(join(folder, 'b.pcapng'), { size: 1000, files: 2 });
  broken.end(Buffer.alloc(64, 0xff));
  await t.rejects(finished(broken), /A block has 4294967295 bytes/);
  if (existsSync('/dev/full')) {
    const full = new CaptureFile('/dev/full');
    full.end(packet(1));
    await t.rejects(finished(full), { code: 'ERR_CAPTURE_FILE' });
  }
  writeFileSync(join(folder, 'done'), '');
});
