import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { setup } from '../support/broker.ts';

const ping = (localAddress: string) => ({ localAddress, remoteAddress: '169.254.0.2', bytes: 64 });
const requester = (session: string) => ({ session, person: undefined });

t.test('pings to one address are one request, until none came for a while', async (t) => {
  const clock = new ManualClock();
  const { broker, journal } = setup(t, { clock });
  const alice = requester('s1');
  t.ok(broker.handleEcho(ping('10.20.0.10'), alice, 'dtls'));
  clock.advance(29_000);
  t.ok(broker.handleEcho(ping('10.20.0.10'), alice, 'dtls'));
  clock.advance(29_000);
  t.strictSame(
    journal.query({ name: 'resource.request' }).map(({ fields }) => [fields.source, fields.destination]),
    [['169.254.0.2', '10.20.0.10']],
    'one request, and no ports',
  );
  t.equal(journal.count({ name: 'resource.end' }), 0);
  clock.advance(1_000);
  t.match(journal.query({ name: 'resource.end' }), [
    {
      fields: {
        protocol: 'icmp',
        channel: 'dtls',
        host: 'intranet',
        target: 'echo',
        outcome: 'completed',
        reason: 'idle',
        bytesIn: 128,
        bytesOut: 128,
      },
    },
  ]);
  t.ok(broker.handleEcho(ping('10.20.0.10'), alice));
  t.equal(journal.count({ name: 'resource.request' }), 2);
  await broker.close();
  t.match(journal.query({ name: 'resource.end' }).at(-1), { fields: { reason: 'closed' } });
  t.notOk(broker.handleEcho(ping('10.20.0.10'), alice), 'and after that nothing is answered');
});

t.test('a ping that nothing answers is denied, each time anew', async (t) => {
  const { broker, journal } = setup(t, { clock: new ManualClock() });
  t.notOk(broker.handleEcho(ping('192.0.2.1')));
  t.notOk(broker.handleEcho(ping('192.0.2.1')));
  t.match(
    journal.query({ name: 'resource.end' }).map(({ fields }) => fields),
    [
      { rule: 'no-ping', outcome: 'denied' },
      { rule: 'no-ping', outcome: 'denied' },
    ],
  );
});

t.test('there is an end to the addresses that pings are remembered for', async (t) => {
  const clock = new ManualClock();
  const { broker, journal } = setup(t, { clock });
  const alice = requester('s1');
  for (let i = 0; i <= 4096; i++) {
    const remoteAddress = `169.254.${i >> 8}.${i & 255}`;
    t.ok(broker.handleEcho({ localAddress: '10.20.0.10', remoteAddress, bytes: 8 }, alice));
  }
  t.match(journal.query({ name: 'resource.end' }), [
    { fields: { source: '169.254.0.0', reason: 'closed for others' } },
  ]);
});

t.test('however many pings there were, none is waited for after the end', async (t) => {
  const clock = new ManualClock();
  const { broker } = setup(t, { clock });
  for (let i = 0; i < 3; i++) {
    t.ok(broker.handleEcho(ping('10.20.0.10'), requester('s1')));
    clock.advance(1_000);
  }
  await broker.close();
  t.equal(clock.pending, 0);
});
