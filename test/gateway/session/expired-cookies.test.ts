import t from 'tap';
import type { ControlChannel } from '../../../src/gateway/session/channel-ports.ts';
import type { GatewaySession } from '../../../src/gateway/session/session.ts';
import { MemorySessionStore } from '../../../src/gateway/session/session-store.ts';
import type { SessionStore, StoredSession } from '../../../src/gateway/session/types.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { type RandomSource, seededRandom } from '../../../src/lib/random.ts';
import { fakeVerifier, tunnelTerms } from '../../support/gateway.ts';
import { sessionTable, TABLE_COOKIE_TIMEOUT } from '../../support/session-table.ts';

/** Cookies are drawn from it: what was drawn last is the cookie. */
function remembering(random: RandomSource): RandomSource & { readonly drawn: Buffer[] } {
  const drawn: Buffer[] = [];
  return {
    ...random,
    uint32: () => random.uint32(),
    bytes: (length) => {
      const bytes = Buffer.from(random.bytes(length));
      drawn.push(bytes);
      return bytes;
    },
    drawn,
  };
}

async function loggedIn(store?: SessionStore) {
  const random = remembering(seededRandom(3));
  const lab = sessionTable(store, new ManualClock(), random);
  const verdict = await fakeVerifier.verify('good:adele');
  if (!verdict.ok) throw new Error('no verdict');
  const { session } = await lab.sessions.create(verdict.principal, '192.0.2.1');
  const cookie = random.drawn.at(-1)!;
  const life = session.expiresAt! - lab.clock.monotonic();
  return { ...lab, session, cookie, life };
}

/** Opens a tunnel without a connection. */
function connect(session: GatewaySession): void {
  const control: ControlChannel = {
    remote: '192.0.2.1:4000',
    sendData: () => true,
    checkLiveness: () => undefined,
    excuse: () => {},
    askBefore: () => false,
    asked: false,
    vouch: () => {},
    deadAt: () => Infinity,
    nextLook: () => Infinity,
    close: () => {},
  };
  session.connect({ tunnel: session.plan(tunnelTerms({ address4: undefined })), control, data: undefined });
}

t.test('a cookie is good until time limit, and not a moment longer, though nobody looks', async (t) => {
  const early = await loggedIn();
  t.ok(early.life >= TABLE_COOKIE_TIMEOUT * 1000);
  early.clock.advance(early.life - 1);
  t.equal(await early.sessions.find(early.cookie), early.session);
  t.equal(early.sessions.knows(early.cookie), true);

  const late = await loggedIn();
  late.clock.advance(late.life);
  t.equal(await late.sessions.find(late.cookie), undefined);
  t.strictSame(late.events, ['session.expired']);
  t.equal(late.sessions.knows(late.cookie), false);
  t.equal(await late.sessions.find(late.cookie), undefined, 'nor is it in the store any more');
  t.match(late.sessions.endedOf(late.cookie), { id: late.session.id });
});

t.test('a cookie from the store of another server is good until time limit', async (t) => {
  for (const [left, good] of [
    [1, true],
    [0, false],
    [-1000, false],
  ] as const) {
    const kept = new MemorySessionStore();
    const first = await loggedIn(kept);
    // The other server has been up for another time: only the time of day is the same.
    const clock = new ManualClock(first.clock.now() + first.life - left);
    const other = sessionTable(kept, clock);
    const found = await other.sessions.find(first.cookie);
    t.equal(found?.id, good ? first.session.id : undefined, `${left} ms before its end`);
    t.equal(other.sessions.size, good ? 1 : 0);
  }
});

t.test('what another server keeps for somebody without an end is good', async (t) => {
  const kept = new MemorySessionStore();
  const { cookie, session } = await loggedIn(kept);
  const stored = (await kept.get(session.key))!;
  await kept.put({ ...stored, expiresAt: undefined } satisfies StoredSession);
  const other = sessionTable(kept, new ManualClock(Date.now() + 1e9));
  t.equal((await other.sessions.find(cookie))?.id, session.id);
});

t.test('a cookie made invalid stays so for other servers, even if its session may come back here', async (t) => {
  const { session, cookie, store, clock, sessions } = await loggedIn();
  connect(session);
  t.equal((await store.get(session.key))?.expiresAt, undefined, 'a cookie in use has no end');
  session.expireCookie('A fault has it so.');
  session.end('restart', 'The gateway is stopping.', { dropCookie: false });
  t.equal(session.state, 'disconnected');
  t.equal(await store.get(session.key), undefined);
  t.equal(await sessions.find(cookie), undefined);
  t.equal(await sessionTable(store, clock).sessions.find(cookie), undefined);
});

t.test('another cookie is nobody’s', async (t) => {
  const { sessions, cookie } = await loggedIn();
  const other = Buffer.from(cookie);
  other[0]! ^= 1;
  t.equal(await sessions.find(other), undefined);
  t.equal(sessions.knows(other), false);
  t.equal(sessions.knows(undefined), false);
  t.equal(sessions.endedOf(other), undefined);
});
