import { decode, type Packet } from 'dns-packet';
import t, { type Test } from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { type RandomSource, systemRandom } from '../../src/lib/random.ts';
import { type Network, systemNetwork } from '../../src/network/index.ts';
import { SILENT_SERVER_MS } from '../../src/resources/constants.ts';
import type { OwnListener } from '../../src/resources/dial-guard.ts';
import { DnsForwarder } from '../../src/resources/dns-forwarder.ts';
import { a, answerTo } from '../support/name-server.ts';

/** In milliseconds. */
const PATIENCE = 1_000;

/** A forwarder in time of its own, whose servers answer at once or never; `asked` tells whom it asked what. */
function setup(t: Test, servers: readonly string[], more: { random?: RandomSource; ownListener?: OwnListener } = {}) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const dead = new Set<string>();
  const network: Network = {
    ...systemNetwork,
    connectDatagrams({ host }, { onOpen, onDatagram }) {
      queueMicrotask(onOpen);
      const send = (payload: Uint8Array): void => {
        const { id, questions } = decode(Buffer.from(payload)) as Packet & { questions: { name: string }[] };
        const { name } = questions[0]!;
        asked.push(`${host} ${name}`);
        if (!dead.has(host)) onDatagram(answerTo({ id: id!, name, type: 'A' }, [a(name, '192.0.2.10')]));
      };
      return { send, close: () => {} };
    },
  };
  const forwarder = new DnsForwarder({
    settings: { servers: servers.map((host) => ({ host, port: 53 })), domains: [], timeout: PATIENCE, local: false },
    clock,
    network,
    emit: () => {},
    ...more,
  });
  t.teardown(() => forwarder.close());
  const ask = () => forwarder.resolve({ name: 'www.example.com', type: 'A' }, 's1', () => false);
  const hosts = (): string[] => asked.splice(0).map((one) => one.split(' ')[0]!);
  return { clock, dead, ask, asked, hosts };
}

t.test('a silent server comes last for half a minute, then in its order again', async (t) => {
  const { clock, dead, ask, hosts } = setup(t, ['192.0.2.1', '192.0.2.2']);
  dead.add('192.0.2.1');
  const first = ask();
  await Promise.resolve();
  clock.advance(PATIENCE);
  t.match(await first, { server: '192.0.2.2' });
  t.strictSame(hosts(), ['192.0.2.1', '192.0.2.2']);
  dead.clear();
  clock.advance(SILENT_SERVER_MS - 1);
  t.match(await ask(), { server: '192.0.2.2' });
  clock.advance(1);
  t.match(await ask(), { server: '192.0.2.1' });
});

t.test('a server that is this simulator is never asked, and the reason says so', async (t) => {
  const ownListener: OwnListener = (host) => (host === '192.0.2.1' ? 'the resolver' : undefined);
  const both = setup(t, ['192.0.2.1', '192.0.2.2'], { ownListener });
  t.match(await both.ask(), { server: '192.0.2.2' });
  t.strictSame(both.hosts(), ['192.0.2.2']);
  const alone = setup(t, ['192.0.2.1'], { ownListener });
  t.match(await alone.ask(), { failure: '192.0.2.1:53 is the resolver itself' });
  t.strictSame(alone.asked, []);
});

t.test('a name is never asked for in lower case alone, whatever chance has it', async (t) => {
  const random: RandomSource = { ...systemRandom, uint32: () => 0, bytes: (length) => Buffer.alloc(length) };
  const { ask, asked } = setup(t, ['192.0.2.1'], { random });
  t.match(await ask(), { server: '192.0.2.1' });
  t.strictSame(asked, ['192.0.2.1 Www.example.com']);
});
