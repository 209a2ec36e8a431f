import t from 'tap';
import { BanList } from '../../../src/gateway/control/bans.ts';
import { ManualClock } from '../../../src/lib/clock.ts';
import { startTestGateway, statusLine } from '../../support/gateway.ts';

const RULES = { maxScore: 30, banTime: 300, resetTime: 60 };

t.test('points bring a ban, which ends by itself and is not lengthened by tries', async (t) => {
  const clock = new ManualClock();
  const bans = new BanList(RULES, clock);
  t.equal(bans.add('10.0.0.1', 10), false);
  t.equal(bans.add('10.0.0.1', 10), false);
  t.equal(bans.banned('10.0.0.1'), false);
  t.equal(bans.add('10.0.0.1', 10), true);
  t.equal(bans.banned('10.0.0.1'), true);
  t.equal(bans.banned('10.0.0.2'), false);
  clock.advance(299_000);
  t.equal(bans.add('10.0.0.1', 10), false);
  t.equal(bans.banned('10.0.0.1'), true);
  clock.advance(1_000);
  t.equal(bans.banned('10.0.0.1'), false);
  t.equal(bans.add('10.0.0.1', 10), false, 'and the points are gone');
});

t.test('points are forgotten after a while', async (t) => {
  const clock = new ManualClock();
  const bans = new BanList(RULES, clock);
  bans.add('10.0.0.1', 29);
  clock.advance(60_000);
  t.equal(bans.add('10.0.0.1', 29), false);
  t.equal(bans.add('10.0.0.1', 1), true);
});

t.test('IPv6 addresses count by their network of 64 bits', async (t) => {
  const bans = new BanList(RULES, new ManualClock());
  bans.add('2001:db8::1', 30);
  t.equal(bans.banned('2001:db8::ffff:2'), true);
  t.equal(bans.banned('2001:db8:0:1::1'), false);
});

t.test('memory stays bounded, and nothing is counted when bans are off', async (t) => {
  const clock = new ManualClock();
  const bans = new BanList(RULES, clock);
  const address = (i: number): string => `10.0.${i >> 8}.${i & 255}`;
  for (let i = 0; i < 12_000; i++) bans.add(address(i), 1);
  t.equal(bans.add(address(2000), 29), true, 'the latest 10,000 are remembered');
  t.equal(bans.add(address(1999), 29), false, 'and no others');
  const off = new BanList({ ...RULES, maxScore: 0 }, clock);
  t.equal(off.add('10.0.0.1', 1000), false);
  t.equal(off.banned('10.0.0.1'), false);
});

t.test('addresses banned outright are remembered side by side, the latest 10,000 of them', async (t) => {
  const bans = new BanList(RULES, new ManualClock());
  const address = (i: number): string => `10.0.${i >> 8}.${i & 255}`;
  bans.ban(address(0));
  bans.ban(address(1));
  t.equal(bans.banned(address(0)), true);
  for (let i = 2; i <= 10_000; i++) bans.ban(address(i));
  t.equal(bans.banned(address(0)), false, 'the oldest is forgotten');
  t.equal(bans.banned(address(1)), true);
});

t.test('a gateway with bans closes the connections of a banned address before TLS', async (t) => {
  const clock = new ManualClock();
  await using lab = await startTestGateway({ clock, bans: RULES });
  for (let i = 0; i < 2; i++) {
    const client = await lab.dial();
    t.equal(statusLine(await client.login('wrong')), 'HTTP/1.1 401 Authentication failed');
  }
  const last = await lab.dial();
  await last.login('wrong');
  await t.rejects(lab.dial());
  t.match(lab.events.of('http.rejected').at(-1), { reason: 'banned', explanation: /300 s/ });
  clock.advance(301_000);
  const again = await lab.dial();
  t.equal(statusLine(await again.login()), 'HTTP/1.1 200 OK');
  again.close();
});

t.test('without them an address may fail as often as it likes', async (t) => {
  await using lab = await startTestGateway();
  for (let i = 0; i < 10; i++) {
    const client = await lab.dial();
    t.equal(statusLine(await client.login('wrong')), 'HTTP/1.1 401 Authentication failed');
  }
});

t.test('all bans can be lifted at once, with all points', async (t) => {
  const bans = new BanList(RULES, new ManualClock());
  bans.add('10.0.0.1', 30);
  bans.add('10.0.0.2', 29);
  bans.clear();
  t.equal(bans.banned('10.0.0.1'), false);
  t.equal(bans.add('10.0.0.2', 1), false);
});
