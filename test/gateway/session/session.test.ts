import t from 'tap';
import { noFaults } from '../../../src/faults/ports.ts';
import type { ControlChannel } from '../../../src/gateway/session/channel-ports.ts';
import { GatewaySession, type SessionHost } from '../../../src/gateway/session/session.ts';
import type { Tunnel, TunnelTerms } from '../../../src/gateway/session/tunnel.ts';
import type { EventMap } from '../../../src/telemetry/events.ts';
import { ipv4Packet, tunnelTerms } from '../../support/gateway.ts';

const ADDRESS = { index: 2, text: '10.0.0.2', bytes: Buffer.from([10, 0, 0, 2]) };

const TERMS = tunnelTerms({ address4: ADDRESS });

const IDENTITY = {
  id: 'abc123',
  key: 'k',
  username: 'adele',
  signInName: undefined,
  tenantId: undefined,
  objectId: undefined,
  remoteAddress: '192.0.2.1',
  createdAt: 0,
};

function setup(onEvent: (name: string, session: GatewaySession) => void = () => {}) {
  const log: string[] = [];
  const goodbyes: EventMap['session.disconnect'][] = [];
  const waiting: (() => void)[] = [];
  const tapped: string[] = [];
  const handedOn: number[] = [];
  const time = { now: 0 };
  const host: SessionHost = {
    emit: (name, fields) => {
      log.push(name);
      if (name === 'session.disconnect') goodbyes.push(fields as EventMap['session.disconnect']);
      onEvent(name, session);
    },
    get coarseNow() {
      return time.now;
    },
    get monotonic() {
      return time.now;
    },
    wallTime: 0,
    cookieLife: 10_000,
    faults: noFaults,
    taps: { packets: { packet: (direction) => void tapped.push(direction) } },
    answersDpd: () => true,
    gatewayAddress: () => undefined,
    onBatchEnd: () => {},
    onCookieSpent: () => void log.push('cookie spent'),
    handOn: (_buffer, _offset, length) => void handedOn.push(length),
    afterBatch: (work) => void waiting.push(work),
    onPathChanged: () => {},
    onChange: () => void log.push('stored'),
    onCookieGone: () => void log.push('cookie gone'),
    onSooner: () => {},
    onEnded: () => void log.push('free'),
  };
  const session: GatewaySession = new GatewaySession(IDENTITY, host);
  const connect = (terms: Partial<TunnelTerms> = {}): Tunnel => {
    const tunnel = session.plan({ ...TERMS, acceptedAt: 1000, ...terms });
    const control: ControlChannel = {
      remote: '192.0.2.1:4000',
      sendData: () => true,
      checkLiveness: () => undefined,
      excuse: () => {},
      askBefore: () => true,
      asked: true,
      vouch: () => {},
      deadAt: () => Infinity,
      nextLook: () => Infinity,
      close: () => {},
    };
    session.connect({ tunnel, control, data: undefined });
    return tunnel;
  };
  const settle = (): void => {
    for (const work of waiting.splice(0)) work();
  };
  return { session, log, goodbyes, tapped, handedOn, time, connect, settle };
}

const PACKET = ipv4Packet('10.0.0.2', '10.0.0.9', 100);

t.test('a session that ended keeps its addresses until what it sent has arrived', async (t) => {
  const { session, log, connect, settle } = setup();
  connect();
  session.end('user', '');
  t.equal(session.state, 'closing');
  t.equal(session.valid, false);
  t.notOk(log.includes('free'));
  settle();
  t.equal(session.state, 'ended');
  t.equal(log.filter((each) => each === 'free').length, 1);
});

t.test('before its first tunnel a session has no traffic, and no packet reaches its client', async (t) => {
  const { session } = setup();
  t.match(session.snapshot(), { bytesIn: 0, bytesOut: 0, dataChannel: undefined, connectedAt: undefined });
  t.equal(session.deliver(PACKET, 0, 100), false);
  t.match(session.traffic, { packetsIn: 0, packetsOut: 0, dropped: 1 });
});

t.test('a tunnel that has ended does nothing any more, and its time limits are over', async (t) => {
  const { tapped, handedOn, connect, session } = setup();
  const tunnel = connect();
  tunnel.receive(PACKET, 0, 100);
  t.equal(tunnel.askBefore(1e9), true);
  t.equal(tunnel.asked, true);
  session.end('temporary', '');
  tunnel.receive(PACKET, 0, 100);
  t.strictSame([tapped.length, handedOn.length], [1, 1], 'a late packet is neither captured nor passed on');
  t.equal(tunnel.askBefore(1e9), false);
  t.equal(tunnel.asked, false);
  t.strictSame([tunnel.deadline, tunnel.nextLook], [Infinity, Infinity]);
  t.equal(session.tunnel, undefined);
});

t.test('a tunnel ends at the first of its limits, and those that are off are none', async (t) => {
  const limits = (terms: Partial<TunnelTerms>): number => {
    const { session, time, connect } = setup();
    time.now = 5_000;
    connect(terms);
    return session.deadline;
  };
  t.equal(limits({}), Infinity);
  t.equal(limits({ idleTimeout: 60 }), 65_000, 'of the last use');
  t.equal(limits({ sessionTimeout: 100 }), 101_000, 'of the accept of its connection');
  t.equal(limits({ idleTimeout: 60, sessionTimeout: 100 }), 65_000);
  t.equal(limits({ idleTimeout: 200, sessionTimeout: 100 }), 101_000);
});

t.test('a session that has left says goodbye no second time when it ends for good', async (t) => {
  for (const end of ['admin', 'shutdown'] as const) {
    const { session, log, connect } = setup();
    connect();
    session.end('temporary', '');
    session.end(end, '');
    session.end(end, '');
    t.strictSame(
      log.filter((name) => name.startsWith('session.')),
      ['session.connect', 'session.disconnect', 'session.expired'],
    );
  }
});

t.test('time and bytes of a goodbye are those since the session was connected last', async (t) => {
  const { session, goodbyes, time, connect } = setup();
  time.now = 1000;
  const first = connect();
  first.receive(PACKET, 0, 100);
  first.deliver(PACKET, 0, 100);
  time.now = 4000;
  session.end('temporary', '');
  time.now = 9000;
  connect().receive(PACKET, 0, 100);
  time.now = 11_000;
  session.end('temporary', '');
  t.match(goodbyes, [
    { seconds: 3, bytesIn: 100, bytesOut: 100 },
    { seconds: 2, bytesIn: 100, bytesOut: 0 },
  ]);
  t.equal(session.bytesIn, 200, 'the session counts all of them');
});

t.test('a tunnel that takes over from another is not a new time of being connected', async (t) => {
  const { session, goodbyes, time, connect } = setup();
  const first = connect();
  first.receive(PACKET, 0, 100);
  time.now = 2000;
  const second = connect();
  first.receive(PACKET, 0, 100);
  first.end('connection-lost', 'late news of the old one');
  t.equal(session.state, 'connected', 'the old tunnel has no say any more');
  second.receive(PACKET, 0, 100);
  time.now = 5000;
  session.end('user', '');
  t.match(goodbyes, [{ seconds: 5, bytesIn: 200 }]);
});

t.test('who acts on an event gets the session whole: one thing takes effect after the other', async (t) => {
  const { session, log, connect } = setup((name, session) => {
    if (name === 'channel.cstp.close') session.end('admin', 'at the first sign');
  });
  connect();
  session.end('temporary', '');
  t.equal(session.state, 'closing');
  t.equal(session.expiresAt, undefined, 'no cookie is kept of it');
  t.strictSame(log.slice(-5), ['channel.cstp.close', 'session.disconnect', 'stored', 'session.expired', 'cookie gone']);
});

t.test('a cookie expires when time limit, but not while a tunnel uses it', async (t) => {
  const { session, log, time, connect } = setup();
  time.now = 9_999;
  session.check(time.now);
  connect();
  time.now = 50_000;
  session.check(time.now);
  t.equal(session.state, 'connected');
  session.end('connection-lost', '');
  time.now = 59_999;
  session.check(time.now);
  t.equal(session.valid, true);
  time.now = 60_000;
  session.check(time.now);
  t.equal(session.valid, false);
  t.equal(log.filter((name) => name === 'session.expired').length, 1);
});
