import { createHash } from 'node:crypto';
import { join } from 'node:path';
import t from 'tap';
import { patternChunk } from '../../src/services/index.ts';
import { desk } from '../support/desk.ts';
import { skipUnless } from '../support/interop.ts';

// A large file down and up through the stock client: every byte as it was, and no more of it in memory than is under way.

const MIB = 1024 * 1024;
/** With `TUNNELITE_FUZZ`, as other long tests: the whole gigabyte, of which memory must not hold a quarter. */
const isLong = process.env.TUNNELITE_FUZZ !== undefined;
const SIZE = isLong ? 1024 * MIB : 64 * MIB;

t.setTimeout(isLong ? 900_000 : 200_000);
const skip = skipUnless({
  programs: ['openconnect', 'ip', 'curl', 'sha256sum'],
  namespaces: true,
  tun: true,
});

t.test('a large file goes down and up byte by byte, and not through memory as a whole', { skip }, async (t) => {
  const hash = createHash('sha256');
  for (let at = 0; at < SIZE; at += 65_536) hash.update(patternChunk(at, SIZE - at));
  const sha256 = hash.digest('hex');
  const one = await desk(t);
  const run = await one.connect(await one.sim.token());
  t.equal(run.outcome, 'connected', run.text());
  const file = join(one.directory, 'large');
  const before = process.memoryUsage.rss();
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss());
  }, 50);
  t.teardown(() => clearInterval(watch));
  const program = async (name: string, ...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await one.client.output(name, args, { timeout: isLong ? 400_000 : 90_000 });
    t.equal(code, 0, `${name} ${stderr}`);
    return stdout.toString();
  };
  const curl = (...args: string[]): Promise<string> =>
    program('curl', '-sS', '--cacert', join(one.directory, 'ca.pem'), ...args);
  await curl('-o', file, `https://files.contoso.internal/bytes/${SIZE}`);
  t.equal((await program('sha256sum', file)).split(' ')[0], sha256);
  const sent = await curl('-T', file, 'https://files.contoso.internal/upload');
  t.strictSame(JSON.parse(sent), { bytes: SIZE, sha256 });
  const mebibytes = (bytes: number): string => `${Math.round(bytes / MIB)} MiB`;
  t.comment(`${mebibytes(SIZE)} down and up: RSS ${mebibytes(before)} before, ${mebibytes(most)} at most`);
  if (isLong) t.ok(most - before < SIZE / 4, `${mebibytes(most - before)} more`);
  await run.stop();
});
