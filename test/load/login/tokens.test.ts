import t from 'tap';
import { ManualClock } from '../../../src/lib/clock.ts';
import { goodUntil, TokenStore } from '../../../src/load/login/tokens.ts';

const START = 1_767_225_600_000;
const token = (claims: object, name = 'x'): string =>
  `${name}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.z`;

t.test('a token is fetched once for all, and anew before it expires', async (t) => {
  const clock = new ManualClock(START);
  let fetched = 0;
  const source = async (): Promise<string> => {
    const now = clock.now() / 1000;
    return `${token({ iat: now, exp: now + 600 }, `t${++fetched}`)}\n`;
  };
  const store = new TokenStore([source], clock, () => {});
  const [one, other] = await Promise.all([store.get(0), store.get(1)]);
  t.equal(one, other);
  t.match(one, /^t1\..*z$/);
  clock.advance(569_000);
  t.equal(await store.get(5), one);
  clock.advance(2_000);
  t.match(await store.get(5), /^t2\./);
  t.equal(fetched, 2);
});

t.test('users take turns, each with a token of its own', async (t) => {
  const store = new TokenStore([async () => 'a', async () => 'b'], new ManualClock(), () => {});
  t.strictSame(await Promise.all([0, 1, 2, 3].map((n) => store.get(n))), ['a', 'b', 'a', 'b']);
});

t.test('a refused token is replaced, but not for ever', async (t) => {
  let fetched = 0;
  const store = new TokenStore([async () => `t${++fetched}`], new ManualClock(), () => {});
  for (let n = 0; n < 100; n++) store.refused(0, await store.get(0));
  t.equal(fetched, 6);
  store.accepted();
  store.refused(0, await store.get(0));
  t.equal(await store.get(0), 't7');
  store.refused(0, 't1');
  t.equal(await store.get(0), 't7', 'an old one is nobody’s any more');
});

t.test('who cannot give a token is told of, and asked again', async (t) => {
  let fail = true;
  const store = new TokenStore(
    [
      async () => {
        if (fail) throw new Error('no vault');
        return 'good';
      },
    ],
    new ManualClock(),
    () => {},
  );
  await t.rejects(store.get(0), { code: 'ERR_LOAD_TOKEN', message: /no vault/ });
  fail = false;
  t.equal(await store.get(0), 'good');
});

t.test('what a token says of its end is looked at with care', async (t) => {
  t.equal(goodUntil(token({ exp: 1000 })), 970_000);
  t.equal(goodUntil(token({ iat: 990, exp: 1000 })), 998_000);
  for (const text of [
    '',
    'opaque',
    'a.b.c',
    token([]),
    token({ exp: 'soon' }),
    `a.${Buffer.from('{"exp":1e999}').toString('base64url')}.c`,
    `a.${'b'.repeat(70_000)}.c`,
    'a.bnVsbA.c',
  ]) {
    t.equal(goodUntil(text), Number.POSITIVE_INFINITY, text.slice(0, 20));
  }
});
