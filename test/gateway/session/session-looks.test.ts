import t from 'tap';
import type { ControlChannel } from '../../../src/gateway/session/channel-ports.ts';
import type { GatewaySession } from '../../../src/gateway/session/session.ts';
import { fakeVerifier, ipv4Packet, tunnelTerms } from '../../support/gateway.ts';
import { sessionTable } from '../../support/session-table.ts';

const TERMS = tunnelTerms({ address4: undefined, dpd: 90 });

/** A table of sessions on a clock that is moved second by second, as the gateway looks at it. */
function setup() {
  const { sessions, events, clock } = sessionTable();
  let looks = 0;
  /** Clients that were heard when their connection began, and never since. */
  const connect = async (
    name: string,
    terms: Partial<ReturnType<typeof tunnelTerms>> = {},
  ): Promise<GatewaySession> => {
    const verdict = await fakeVerifier.verify(`good:${name}`);
    if (!verdict.ok) throw new Error('no verdict');
    const { session } = await sessions.create(verdict.principal, '192.0.2.1');
    const heardAt = clock.monotonic();
    let asked = false;
    const control: ControlChannel = {
      remote: '192.0.2.1:4000',
      sendData: () => true,
      checkLiveness(now, dpd) {
        looks++;
        if (dpd === 0) return undefined;
        if (asked && now - heardAt > dpd * 3000) return now - heardAt;
        asked ||= now - heardAt > dpd * 2000;
        return undefined;
      },
      excuse: () => {},
      askBefore: () => false,
      asked: false,
      vouch: () => {},
      deadAt: () => Infinity,
      nextLook: (dpd) => (dpd === 0 ? Infinity : heardAt + dpd * (asked ? 3000 : 2000)),
      close: () => {},
    };
    session.connect({ tunnel: session.plan({ ...TERMS, ...terms }), control, data: undefined });
    return session;
  };
  const seconds = (count: number): void => {
    for (let i = 0; i < count; i++) {
      clock.advance(1000);
      sessions.check(clock.monotonic(), 0);
    }
  };
  return { sessions, events, clock, connect, seconds, looks: () => looks };
}

t.test('a look each second costs what is due, not what is there', async (t) => {
  const { connect, seconds, looks, sessions, events } = setup();
  for (let i = 0; i < 500; i++) await connect('ada');
  seconds(179);
  t.equal(looks(), 0, 'nobody was silent for long enough to be looked at');
  seconds(3);
  t.ok(looks() >= 500 && looks() <= 1500, `${looks()} looks to ask 500 clients`);
  const before = looks();
  seconds(80);
  t.equal(looks(), before, 'they have time to answer');
  seconds(20);
  t.equal(sessions.connected(), 0);
  t.equal(events.filter((name) => name === 'channel.cstp.dead').length, 500);
  t.ok(looks() - before <= 1500, `${looks() - before} looks to give up 500 clients`);
});

t.test('each limit strikes at its second, in whatever order sessions came', async (t) => {
  const { connect, seconds, sessions, events, clock } = setup();
  const limits = [50, 10, 40, 20, 30];
  for (const limit of limits) await connect('ada', { idleTimeout: limit });
  const later = await connect('grace', { sessionTimeout: 25, dpd: 0 });
  for (const at of [10, 20, 30, 40, 50]) {
    seconds(at - 1 - clock.monotonic() / 1000);
    const up = sessions.connected('ada');
    seconds(1);
    t.equal(sessions.connected('ada'), up - 1, `one fewer after ${at} s`);
    t.equal(later.connected, at < 25);
  }
  t.equal(sessions.connected('ada'), 0);
  events.length = 0;
  // The session whose time was over is gone; the others have their cookie for 300 s, and a little.
  seconds(400);
  t.equal(events.filter((name) => name === 'session.expired').length, limits.length);
  t.equal(sessions.size, 0);
});

t.test('spoofed packets are told of when their interval is over, with nothing else due', async (t) => {
  const { connect, seconds, events } = setup();
  const session = await connect('ada', { dpd: 0 });
  const packet = ipv4Packet('10.9.9.9', '10.0.0.9', 40);
  const spoof = (): void => session.tunnel?.receive(packet, 0, packet.length);
  const told = (): number => events.filter((name) => name === 'channel.spoofed').length;
  seconds(1);
  spoof();
  t.equal(told(), 1, 'the first one at once');
  spoof();
  spoof();
  seconds(9);
  t.equal(told(), 1);
  seconds(2);
  t.equal(told(), 2, 'the others together');
});

t.test('a time in which nobody listened is no silence for those that are not due either', async (t) => {
  const { connect, seconds, sessions, clock } = setup();
  await connect('ada', { idleTimeout: 60, dpd: 0 });
  seconds(50);
  clock.advance(30_000);
  sessions.check(clock.monotonic(), 30_000);
  seconds(9);
  t.equal(sessions.connected(), 1);
  seconds(2);
  t.equal(sessions.connected(), 0);
});

t.test('a time in which nobody listened does not shorten the life of a cookie', async (t) => {
  const { connect, sessions, clock } = setup();
  const session = await connect('ada');
  session.end('temporary', 'It left.');
  const life = session.expiresAt! - clock.monotonic();
  clock.advance(30_000);
  sessions.check(clock.monotonic(), 30_000);
  clock.advance(life - 1);
  sessions.check(clock.monotonic(), 0);
  t.equal(sessions.size, 1);
  clock.advance(1);
  sessions.check(clock.monotonic(), 0);
  t.equal(sessions.size, 0);
});

t.test('who is connected is counted, by user and in all', async (t) => {
  const { connect, sessions } = setup();
  const first = await connect('ada');
  const second = await connect('ada');
  await connect('grace');
  t.equal(sessions.connected(), 3);
  t.equal(sessions.connected('ada'), 2);
  second.end('temporary', 'It left.');
  t.equal(sessions.connected('ada'), 1);
  second.end('user', 'It left for good.');
  first.end('user', 'It left for good.');
  first.end('user', 'Twice.');
  t.equal(sessions.connected('ada'), 0);
  t.equal(sessions.connected(), 1);
  t.equal(sessions.connected('nobody'), 0);
});
