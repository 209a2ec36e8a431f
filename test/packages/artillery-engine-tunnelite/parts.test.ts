import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { codeOf } from '../../../packages/artillery-engine-tunnelite/src/errors.ts';
import { SourceAddresses } from '../../../packages/artillery-engine-tunnelite/src/source-addresses.ts';
import { Watch } from '../../../packages/artillery-engine-tunnelite/src/watch.ts';
import { importsOf, packageOf } from '../../../scripts/dependencies.ts';
import { collector, PACKAGE } from '../../support/artillery.ts';

/** A watch whose clock is set by hand. */
function watching() {
  let now = 1000;
  const { emitted, events } = collector();
  const watch = new Watch(events, () => now);
  return {
    watch,
    emitted,
    after: (milliseconds: number) => {
      now += milliseconds;
      return watch;
    },
  };
}

const DTLS = { dtls: {} } as Parameters<Watch['tunnelOpened']>[0];

t.test('the times of a fallback and of the return begin where the script says so', async (t) => {
  const { watch, emitted, after } = watching();
  watch.tunnelOpened(DTLS);
  after(30).channelChanged('dtls');
  watch.udpBlocked();
  after(3500).channelChanged('tls');
  after(200).answered();
  watch.answered();
  watch.udpRestored();
  after(700).channelChanged('dtls');
  after(70).end();
  t.strictSame(emitted.times, {
    'tunnelite.dtls.time': [30],
    'tunnelite.fallback.decision.time': [3500],
    'tunnelite.fallback.time': [3700],
    'tunnelite.return.time': [700],
    'tunnelite.session.time': [4500],
  });
  t.strictSame(emitted.counters, {
    'tunnelite.channel.dtls': 2,
    'tunnelite.fallback.cut': 1,
    'tunnelite.channel.tls': 1,
    'tunnelite.fallback.done': 1,
    'tunnelite.return.restored': 1,
    'tunnelite.return.done': 1,
  });
});

t.test('what never came about is counted, and is in no time', async (t) => {
  const cut = watching();
  cut.watch.tunnelOpened(DTLS);
  cut.watch.channelChanged('dtls');
  cut.watch.udpBlocked();
  cut.after(5).answered();
  cut.watch.stateChanged('waiting', 'connected');
  cut.watch.end();
  t.match(cut.emitted.counters, { 'tunnelite.fallback.never': 1, 'tunnelite.reconnect.never': 1 });
  t.notOk('tunnelite.fallback.time' in cut.emitted.times, 'an answer over DTLS is none over TLS');
  const back = watching();
  back.watch.tunnelOpened(DTLS);
  back.watch.channelChanged('dtls');
  back.watch.udpBlocked();
  back.watch.channelChanged('tls');
  back.watch.answered();
  back.watch.udpRestored();
  back.watch.end();
  t.match(back.emitted.counters, { 'tunnelite.return.restored': 1, 'tunnelite.return.never': 1 });
  const plain = watching();
  plain.watch.tunnelOpened(DTLS);
  plain.watch.udpBlocked();
  plain.watch.udpRestored();
  plain.watch.end();
  t.strictSame(plain.emitted.counters, { 'tunnelite.dtls.never': 1 });
});

t.test('a rekey is one, also where the gateway ends the old tunnel first', async (t) => {
  const { watch, emitted, after } = watching();
  watch.tunnelOpened(DTLS);
  watch.stateChanged('rekeying', 'connected');
  after(5).stateChanged('reconnecting', 'rekeying');
  after(5).tunnelOpened(DTLS);
  watch.stateChanged('connected', 'reconnecting');
  t.equal(watch.rekeys, 1);
  t.equal(watch.reconnects, 0);
  t.strictSame(emitted.times, { 'tunnelite.rekey.time': [10] });
  watch.stateChanged('rekeying', 'connected');
  watch.stateChanged('reconnecting', 'rekeying');
  watch.stateChanged('waiting', 'reconnecting');
  after(50).stateChanged('reconnecting', 'waiting');
  watch.tunnelOpened(DTLS);
  watch.stateChanged('connected', 'reconnecting');
  t.equal(watch.rekeys, 1, 'the new keys did not come about');
  t.strictSame(emitted.times['tunnelite.reconnect.time'], [50]);
});

t.test('workers share out the addresses of a source, and begin again when all were given out', async (t) => {
  const workers = [1, 2, 3].map((worker) => new SourceAddresses('127.1.2.77/28', worker, 3));
  const given = workers.flatMap((addresses) => Array.from({ length: 4 }, () => addresses.next()));
  t.equal(new Set(given).size, 12);
  t.ok(
    given.every((address) => /^127\.1\.2\.(6[5-9]|7\d)$/.test(address)),
    given.join(' '),
  );
  const few = new SourceAddresses('127.1.2.0/30', 1, 1);
  t.strictSame([few.next(), few.next(), few.next()], ['127.1.2.1', '127.1.2.2', '127.1.2.1']);
  for (const network of ['127.1.0.0', '127.1.0.0/31', '10.0.0.0/4', '::1/64', '300.1.0.0/16', '']) {
    t.throws(() => new SourceAddresses(network, 1, 1), { code: 'ERR_ENGINE_SCRIPT' }, network);
  }
});

t.test('each error has a name to be counted by, whatever was thrown', async (t) => {
  t.equal(codeOf(Object.assign(new Error('x'), { code: 'ECONNRESET' })), 'ECONNRESET');
  t.equal(codeOf(new TypeError('x')), 'TypeError');
  for (const thrown of [undefined, null, 'text', 7, { code: 'a b\n' }, { code: 'x'.repeat(99) }]) {
    t.equal(codeOf(thrown), 'UNKNOWN');
  }
});

interface Manifest {
  readonly version: string;
  readonly license: string;
  readonly engines: { readonly node: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta: unknown;
}

t.test('the package needs nothing but the client, and nobody has to install Artillery with it', async (t) => {
  const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
  const manifest = manifestOf(PACKAGE);
  const root = manifestOf(join(PACKAGE, '../..'));
  t.strictSame([manifest.version, manifest.license, manifest.engines], [root.version, root.license, root.engines]);
  t.equal(manifest.peerDependencies['tunnelite'], `^${root.version}`);
  t.strictSame(manifest.peerDependenciesMeta, { artillery: { optional: true } });
  t.notOk(manifest.dependencies);
  t.notMatch(Object.keys({ ...root.dependencies, ...root.peerDependencies }), ['artillery']);
  const files = globSync('src/**/*.ts', { cwd: PACKAGE });
  t.ok(files.length > 10);
  const imported = files.flatMap((path) => importsOf({ path, text: readFileSync(join(PACKAGE, path), 'utf8') }));
  const others = imported.map(packageOf).filter((name) => name !== undefined);
  t.strictSame([...new Set(others)], ['tunnelite']);
  t.ok(imported.includes('tunnelite/client') && !imported.includes('tunnelite'), 'the client alone is loaded');
});
