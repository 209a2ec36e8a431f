import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { Telemetry } from '../../src/telemetry/index.ts';

const setup = (capacity = 100) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock, journalCapacity: capacity });
  return { clock, telemetry, journal: telemetry.journal };
};

t.test('an event has a growing number, the time and its sentence', async (t) => {
  const { clock, telemetry, journal } = setup();
  telemetry.emit('simulator.closing', { reason: 'asked to' });
  clock.advance(5);
  telemetry.emit('simulator.closed', {});
  const [first, second] = journal.query();
  t.match(first, { seq: 1, name: 'simulator.closing', text: 'Closing: asked to' });
  t.equal(second!.time - first!.time, 5);
});

t.test('a query combines name, number, fields and a condition', async (t) => {
  const { telemetry, journal } = setup();
  for (const remote of ['a', 'b', 'a']) telemetry.emit('auth.challenge', { remote, agent: undefined });
  telemetry.emit('simulator.closed', {});
  t.equal(journal.query({ name: 'auth.challenge', fields: { remote: 'a' } }).length, 2);
  t.equal(journal.query({ name: 'auth.challenge', fields: { remote: 'a' }, after: 1 }).length, 1);
  t.equal(journal.query({ where: (event) => event.seq % 2 === 0 }).length, 2);
  t.equal(journal.query({ name: ['auth.challenge', 'simulator.closed'] }).length, 4);
});

t.test('waiting is answered by the past, by the future, and only by what was asked for', async (t) => {
  const { telemetry, journal } = setup();
  telemetry.emit('auth.challenge', { remote: 'a', agent: undefined });
  t.equal((await journal.waitFor({ name: 'auth.challenge' })).seq, 1);
  const next = journal.waitFor({ name: 'auth.challenge', after: journal.last, fields: { remote: 'b' } });
  telemetry.emit('auth.challenge', { remote: 'c', agent: undefined });
  telemetry.emit('auth.challenge', { remote: 'b', agent: undefined });
  t.equal((await next).seq, 3);
});

t.test('a wait that ends in vain says what came instead', async (t) => {
  const { clock, telemetry, journal } = setup();
  const wait = journal.waitFor({ name: 'session.connect' }, { timeout: 50 });
  telemetry.emit('simulator.closed', {});
  clock.advance(50);
  await t.rejects(wait, { code: 'ERR_TIMEOUT', message: /session\.connect.*simulator\.closed/ });
  t.equal(clock.pending, 0);
});

t.test('a wait can be given up', async (t) => {
  const { clock, journal } = setup();
  const control = new AbortController();
  const wait = journal.waitFor({ name: 'session.connect' }, { signal: control.signal });
  control.abort(new Error('enough'));
  await t.rejects(wait, { message: 'enough' });
  t.equal(clock.pending, 0);
});

t.test('the journal stays within its capacity and counts what fell out', async (t) => {
  const { telemetry, journal } = setup(16);
  for (let i = 0; i < 1_000; i++) telemetry.emit('simulator.closed', {});
  const kept = journal.query();
  t.ok(kept.length <= 16);
  t.equal(kept.length + journal.dropped, 1_000);
  t.equal(kept.at(-1)!.seq, 1_000);
});

t.test('a listener that throws is removed and harms nobody', async (t) => {
  const { telemetry, journal } = setup();
  let calls = 0;
  telemetry.subscribe(() => {
    calls += 1;
    throw new Error('broken listener');
  });
  telemetry.emit('simulator.closed', {});
  telemetry.emit('simulator.closed', {});
  t.equal(calls, 1);
  t.equal(journal.query().length, 2);
});

t.test('a level may follow from what happened: a name that does not resolve is worth a line in the log', async (t) => {
  const { telemetry, journal } = setup();
  const facts = { session: undefined, name: 'x', type: 'A', answers: 0 };
  for (const outcome of ['answered', 'no record of this type', 'no such name'])
    telemetry.emit('dns.query', { ...facts, outcome });
  t.strictSame(
    journal.query({ name: 'dns.query' }).map((event) => event.level),
    ['debug', 'debug', 'info'],
  );
});
