import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { FAILED_LOOK_UP_MS, MAX_LOOK_UPS_OF_SESSION } from '../../src/resources/constants.ts';
import { HostLookup } from '../../src/resources/host-lookup.ts';

/** A resolver that answers when the test says so. */
const setup = () => {
  const clock = new ManualClock();
  const asked: string[] = [];
  const waiting = new Map<string, { resolve: (addresses: string[]) => void; reject: (error: Error) => void }>();
  const hosts = new HostLookup({
    clock,
    lookUp: (host) => {
      asked.push(host);
      return new Promise((resolve, reject) => waiting.set(host, { resolve, reject }));
    },
  });
  /** Answers, and waits until what was asked for next has been. */
  const answer = async (host: string, found: string[] | Error): Promise<void> => {
    const one = waiting.get(host)!;
    waiting.delete(host);
    if (found instanceof Error) one.reject(found);
    else one.resolve(found);
    await new Promise(setImmediate);
  };
  return { clock, asked, hosts, answer };
};

t.test('an address is its own answer', async (t) => {
  const { hosts, asked } = setup();
  for (const address of ['192.0.2.1', 'fd00::1']) t.same(await hosts.resolve(address, 's1'), { addresses: [address] });
  t.same(asked, []);
});

t.test('who asks while a look-up is under way gets its answer; who asks later, a new one', async (t) => {
  const { hosts, asked, answer } = setup();
  const [one, two] = [hosts.resolve('api', 's1'), hosts.resolve('api', 's2')];
  await answer('api', ['192.0.2.1', 'FD00:0::1', 'fd00::1', '192.0.2.1']);
  t.same(await one, { addresses: ['192.0.2.1', 'fd00::1'] });
  t.same(await two, await one);
  t.same(asked, ['api']);
  const later = hosts.resolve('api', 's1');
  await answer('api', ['192.0.2.2']);
  t.same(await later, { addresses: ['192.0.2.2'] });
});

t.test('an answer is kept for those who take an old one, a failure for a short time only', async (t) => {
  const { clock, hosts, asked, answer } = setup();
  const resolve = async (found?: string[] | Error): Promise<unknown> => {
    const wanted = hosts.resolve('api', 's1', 30_000);
    if (found) await answer('api', found);
    return wanted;
  };
  await resolve(['192.0.2.1']);
  clock.advance(29_999);
  t.same(await resolve(), { addresses: ['192.0.2.1'] });
  clock.advance(1);
  const notFound = Object.assign(new Error('getaddrinfo ENOTFOUND api'), { code: 'ENOTFOUND' });
  t.match(await resolve(notFound), { failure: 'api is unknown to the resolver of this machine (ENOTFOUND)' });
  clock.advance(FAILED_LOOK_UP_MS - 1);
  t.match(await resolve(), { failure: String });
  clock.advance(1);
  t.match(await resolve([]), { failure: 'api has no address' });
  clock.advance(FAILED_LOOK_UP_MS);
  t.match(await resolve(new Error('two\nlines')), { failure: 'api could not be resolved: two lines' });
  t.equal(asked.length, 4);
});

t.test('a session that asks for many names waits for itself; another one is next', async (t) => {
  const { hosts, asked, answer } = setup();
  const flood = Array.from({ length: 100 }, (_, i) => hosts.resolve(`x${i}`, 'hostile'));
  t.same(asked, ['x0'], 'one at a time');
  const honest = hosts.resolve('api', 'honest');
  const shared = hosts.resolve('x60', 'honest');
  t.same(asked, ['x0', 'api'], 'whatever else takes its time');
  await answer('api', ['192.0.2.1']);
  t.same(asked, ['x0', 'api', 'x60']);
  await answer('x60', ['192.0.2.60']);
  t.same(await honest, { addresses: ['192.0.2.1'] });
  t.same(await shared, { addresses: ['192.0.2.60'] });
  t.same(await flood[60], { addresses: ['192.0.2.60'] });
  t.match(await flood[99], { failure: new RegExp(`${MAX_LOOK_UPS_OF_SESSION} other lookups of the session wait`) });
  const done = new Set(['api', 'x60']);
  for (;;) {
    const next = asked.find((host) => !done.has(host));
    if (next === undefined) break;
    done.add(next);
    await answer(next, ['192.0.2.1']);
  }
  t.equal(new Set(asked).size, asked.length, 'no name is asked for twice');
  await Promise.all(flood);
});

t.test('one name that is wanted often is one look-up that waits', async (t) => {
  const { hosts, answer } = setup();
  void hosts.resolve('a', 's1');
  const wanted = Array.from({ length: 200 }, () => hosts.resolve('c', 's1'));
  await answer('a', ['192.0.2.1']);
  await answer('c', ['192.0.2.3']);
  for (const one of wanted) t.same(await one, { addresses: ['192.0.2.3'] });
});

t.test('the resolver of this machine knows localhost, and not what there is not', async (t) => {
  const hosts = new HostLookup({ clock: new ManualClock() });
  const found = await hosts.resolve('localhost', undefined);
  t.ok('addresses' in found && found.addresses.every((address) => ['127.0.0.1', '::1'].includes(address)));
  t.match(await hosts.resolve('no-such-host.invalid', undefined), {
    failure: /no-such-host\.invalid .*\((ENOTFOUND|EAI_AGAIN)\)/,
  });
});

t.test('what was answered can be forgotten', async (t) => {
  const { hosts, asked, answer } = setup();
  const before = hosts.resolve('api', 's1');
  await answer('api', ['192.0.2.1']);
  await before;
  t.same(await hosts.resolve('api', 's1', 60_000), { addresses: ['192.0.2.1'] });
  t.same(asked, ['api']);
  hosts.clear();
  const after = hosts.resolve('api', 's1', 60_000);
  await answer('api', ['192.0.2.2']);
  t.same(await after, { addresses: ['192.0.2.2'] });
});
