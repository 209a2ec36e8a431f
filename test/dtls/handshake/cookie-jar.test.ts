import t from 'tap';
import type { DtlsPeer } from '../../../src/dtls/association/types.ts';
import { CookieJar } from '../../../src/dtls/handshake/cookie.ts';
import { COOKIE_KEY_LIFETIME_MS } from '../../../src/dtls/protocol/constants.ts';
import { seededRandom } from '../../../src/lib/random.ts';

const PEER: DtlsPeer = { address: '192.0.2.1', port: 5000, family: 'IPv4' };
const HELLO = { random: Buffer.alloc(32, 1), sessionId: Buffer.alloc(32, 2) };

t.test(
  'a cookie is bound to the address, to the port, to the random and to the session id, each by itself',
  async (t) => {
    const jar = new CookieJar(seededRandom(1));
    const cookie = jar.make(PEER, HELLO, 0);
    t.equal(jar.verify(PEER, { ...HELLO, cookie }, 0), true);
    t.equal(jar.verify({ ...PEER, address: '192.0.2.2' }, { ...HELLO, cookie }, 0), false, 'address');
    t.equal(jar.verify({ ...PEER, port: 5001 }, { ...HELLO, cookie }, 0), false, 'port');
    t.equal(jar.verify(PEER, { ...HELLO, random: Buffer.alloc(32, 3), cookie }, 0), false, 'random');
    t.equal(jar.verify(PEER, { ...HELLO, sessionId: Buffer.alloc(32, 3), cookie }, 0), false, 'session id');
    t.equal(jar.verify(PEER, { ...HELLO, sessionId: Buffer.alloc(0), cookie }, 0), false, 'no session id');
  },
);

t.test('a cookie of another length, another server, or with one bit changed is none', async (t) => {
  const jar = new CookieJar(seededRandom(1));
  const cookie = jar.make(PEER, HELLO, 0);
  for (const other of [
    Buffer.alloc(0),
    cookie.subarray(1),
    Buffer.concat([cookie, Buffer.alloc(1)]),
    new CookieJar(seededRandom(2)).make(PEER, HELLO, 0),
  ]) {
    t.equal(jar.verify(PEER, { ...HELLO, cookie: other }, 0), false);
  }
  for (const at of [0, cookie.length - 1]) {
    const changed = Buffer.from(cookie);
    changed[at]! ^= 1;
    t.equal(jar.verify(PEER, { ...HELLO, cookie: changed }, 0), false, `byte ${at}`);
  }
});

t.test('a cookie is good under the key that it was made with, and under the next', async (t) => {
  const life = COOKIE_KEY_LIFETIME_MS;
  for (const [age, good] of [
    [life - 1, true],
    [life, true],
    [2 * life - 1, true],
    [2 * life, false],
    [5 * life, false],
  ] as const) {
    const jar = new CookieJar(seededRandom(1));
    const cookie = jar.make(PEER, HELLO, 1000);
    t.equal(jar.verify(PEER, { ...HELLO, cookie }, 1000 + age), good, `after ${age} ms, at once`);
  }
  const jar = new CookieJar(seededRandom(1));
  const cookie = jar.make(PEER, HELLO, 0);
  t.equal(jar.verify(PEER, { ...HELLO, cookie }, life), true);
  t.equal(jar.verify(PEER, { ...HELLO, cookie }, 2 * life), false, 'after the second change');
});
