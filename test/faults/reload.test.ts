import t from 'tap';
import { connect, start } from '../support/running-simulator.ts';

/* Fault rules of a configuration that is read again. */

t.setTimeout(120_000);

const drop = { on: { seam: 'udp' }, when: { chance: 0.5 }, then: { do: 'drop' } } as const;
const refuse = {
  name: 'no-bob',
  on: { seam: 'decision', kind: 'connect', user: 'bob@contoso.com' },
  then: { do: 'refuse' },
} as const;

t.test('rules of the configuration come, change and go, and the others stay as they are', async (t) => {
  const sim = await start(t, { faults: { rules: [drop, refuse] } });
  const names = () => sim.faults.list().map(({ name }) => name);
  t.strictSame(names(), ['udp-drop', 'no-bob']);
  await t.rejects(connect(t, sim, 'bob@contoso.com'));
  const kept = sim.faults.get('no-bob');
  t.equal(kept.hits(), 1);
  const own = sim.faults.add({ name: 'own', on: { seam: 'dns' }, then: { do: 'servfail' } });

  const changed = { ...drop, when: { chance: 0.1 } };
  // The same rule, written in another order.
  const { name, on, then } = refuse;
  const result = await sim.reload({ faults: { rules: [changed, { then, on, name }], profile: 'lossy' } });
  t.match(result.applied, [
    { member: 'faults.profile', takesEffect: 'at once' },
    { member: 'faults.rules', takesEffect: 'at once' },
  ]);
  t.strictSame(result.needsRestart, []);
  t.strictSame(names(), ['no-bob', 'own', 'udp-drop', 'lossy.1']);
  t.match(sim.faults.get('udp-drop').rule, { when: { chance: 0.1 } });
  t.equal(sim.faults.get('no-bob'), kept, 'with what it has counted');
  t.equal(sim.faults.profile, 'lossy');

  await sim.reload({});
  t.strictSame(names(), ['own']);
  await connect(t, sim, 'bob@contoso.com');
  own.remove();

  await sim.reload({ faults: { rules: [refuse], seed: 5 } });
  sim.faults.clear();
  await sim.reload({ faults: { rules: [refuse], seed: 6 } });
  t.strictSame(names(), [], 'what was removed by hand is not brought back');
  await sim.reset();
  t.strictSame(names(), ['no-bob'], 'but by a reset, which goes by what was read last');
});

t.test('rules that act at once do so when they are read', async (t) => {
  const sim = await start(t);
  const { ended, id } = await connect(t, sim);
  await sim.reload({
    faults: { rules: [{ on: { seam: 'decision', user: 'alice@contoso.com' }, then: { do: 'terminate' } }] },
  });
  await ended;
  sim.journal.expect({ name: 'session.disconnect', fields: { session: id, reason: 'admin' } }, 1);
});

t.test('what cannot be taken over changes nothing', async (t) => {
  const sim = await start(t, { faults: { rules: [drop] } });
  sim.faults.add({ name: 'no-bob', on: { seam: 'dns' }, then: { do: 'servfail' } });
  await t.rejects(sim.reload({ gateway: { dpd: 7 }, faults: { rules: [refuse] } }), { code: 'ERR_FAULT_EXISTS' });
  const unknown = { on: { seam: 'http', kind: 'token' }, then: { do: 'aadsts', code: 1 } } as const;
  await t.rejects(sim.reload({ gateway: { dpd: 7 }, faults: { rules: [unknown] } }), {
    code: 'ERR_FAULT_RULE',
    message: /no error AADSTS1\./,
  });
  await t.rejects(sim.reload({ faults: { rules: [{ on: { seam: 'udp', kind: 'tcp' }, then: { do: 'drop' } }] } }), {
    code: 'ERR_CONFIG_INVALID',
  });
  t.notMatch(sim.config.gateway, { dpd: 7 });
  t.strictSame(
    sim.faults.list().map(({ name }) => name),
    ['udp-drop', 'no-bob'],
  );
});

t.test('ten thousand rules are read again in one go', async (t) => {
  const rules = Array.from({ length: 10_000 }, (_, i) => ({ ...drop, on: { ...drop.on, session: `s${i}` } }));
  const sim = await start(t, { faults: { rules } });
  const kept = sim.faults.get('udp-drop-5000');
  await sim.reload({ faults: { rules: [...rules.slice(1), refuse] } });
  t.equal(sim.faults.list().length, 10_000);
  t.equal(sim.faults.get('udp-drop-5000'), kept);
});
