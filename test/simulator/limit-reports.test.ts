import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import { limitReports } from '../../src/simulator/limit-reports.ts';
import { Telemetry } from '../../src/telemetry/index.ts';

t.test('what limits do is told by session, at once and then at most every ten seconds with its count', async (t) => {
  const clock = new ManualClock();
  const telemetry = new Telemetry({ clock });
  const report = limitReports((fields) => telemetry.emit('netstack.limit', fields), clock);
  const alice = { id: 'alice1' };
  const refused = { table: 'udp-flows', action: 'refused' } as const;
  for (let i = 0; i < 1000; i++) report({ ...refused, owner: alice });
  report({ ...refused, owner: { id: 'bob222' } });
  report({ ...refused, owner: undefined });
  report({ table: 'udp-flows', action: 'evicted', owner: alice });
  const told = (): unknown[] =>
    telemetry.journal
      .query({ name: 'netstack.limit' })
      .map(({ fields }) => [fields.session, fields.table, fields.action, fields.count]);
  t.same(told(), [
    ['alice1', 'udp-flows', 'refused', 1],
    ['bob222', 'udp-flows', 'refused', 1],
    [undefined, 'udp-flows', 'refused', 1],
    ['alice1', 'udp-flows', 'evicted', 1],
  ]);
  clock.advance(10_000);
  report({ ...refused, owner: alice });
  t.same(told().at(-1), ['alice1', 'udp-flows', 'refused', 1000]);
});
