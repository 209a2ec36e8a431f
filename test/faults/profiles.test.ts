import t from 'tap';
import { FAULT_PROFILES, PROFILE_NAMES, type ProfileName } from '../../src/config/fault-profiles.ts';
import { connectSimulator, startSimulator } from '../../src/index.ts';

t.test(
  'every profile is rules that are accepted, one profile takes the place of another, and a reset brings back the first',
  async (t) => {
    await using sim = await startSimulator({ faults: { profile: 'lossy' } });
    const own = sim.faults.add({ name: 'own', on: { seam: 'dns' }, then: { do: 'servfail' } });
    for (const name of PROFILE_NAMES) {
      sim.faults.useProfile(name);
      t.equal(sim.faults.profile, name);
      const names = FAULT_PROFILES[name].rules.map((_, i) => `${name}.${i + 1}`);
      t.strictSame(
        sim.faults.list().map((one) => one.name),
        ['own', ...names],
      );
    }
    t.throws(() => sim.faults.useProfile('5g' as ProfileName), { code: 'ERR_FAULT_RULE', hint: /Use one of edge, 3g/ });
    sim.faults.useProfile(null);
    t.match(sim.faults.list(), [{ name: own.name }]);
    await sim.reset();
    t.equal(sim.faults.profile, 'lossy');
  },
);

t.test('a profile that cannot be put in force as a whole leaves everything as it was', async (t) => {
  await using sim = await startSimulator();
  sim.faults.useProfile('lte');
  sim.faults.add({ name: '3g.2', on: { seam: 'udp' }, then: { do: 'drop' } });
  const before = sim.faults.list().map((one) => one.name);
  t.throws(() => sim.faults.useProfile('3g'), { code: 'ERR_FAULT_EXISTS', message: /3g\.2/ });
  t.equal(sim.faults.profile, 'lte');
  t.strictSame(
    sim.faults.list().map((one) => one.name),
    before,
  );
  sim.faults.remove('3g.2');
  sim.faults.useProfile('3g');
  sim.faults.remove('3g.1');
  sim.faults.add({ name: '3g.1', on: { seam: 'udp' }, then: { do: 'drop' } });
  t.throws(() => sim.faults.useProfile('3g'), { code: 'ERR_FAULT_EXISTS', message: /3g\.1/ });
  sim.faults.useProfile(null);
  t.strictSame(
    sim.faults.list().map((one) => one.name),
    ['3g.1'],
  );
});

t.test('a configured rule with the name of a configured profile’s is a contradiction', async (t) => {
  const rule = { name: '3g.1', on: { seam: 'udp' }, then: { do: 'drop' } } as const;
  await t.rejects(startSimulator({ faults: { profile: '3g', rules: [rule] } }), {
    code: 'ERR_CONFIG_INVALID',
    message: /faults\.rules\[0\]\.name.*the profile 3g already has a rule 3g\.1/,
  });
});

t.test('the same from another process: rules, strikes, profiles', async (t) => {
  await using here = await startSimulator();
  const sim = await connectSimulator(here.urls.admin, { secret: here.admin.secret });
  await sim.faults.useProfile('udp-blocked');
  t.equal(await sim.faults.profile(), 'udp-blocked');
  t.match(await sim.faults.list(), [{ name: 'udp-blocked.1', rule: { then: { do: 'drop' } } }]);
  await sim.faults.useProfile(null);
  {
    await using rule = await sim.faults.add({
      on: { seam: 'decision', kind: 'authenticate' },
      then: { do: 'refuse', reason: 'Closed.' },
    });
    t.equal(rule.name, 'decision-refuse');
    here.faults.decision?.('authenticate', { session: 'abc' });
    await rule.struck();
    t.strictSame([await rule.seen(), await rule.hits(), await rule.held(), await rule.release()], [1, 1, 0, 0]);
    t.match(await rule.events(), [{ kind: 'authenticate', session: 'abc' }]);
    await t.rejects(rule.struck(2, { timeout: 10 }), { code: 'ERR_TIMEOUT', message: /it selected 1, and struck 1/ });
    await t.rejects(sim.faults.add({ name: rule.name, on: { seam: 'udp' }, then: { do: 'drop' } }), {
      code: 'ERR_FAULT_EXISTS',
    });
  }
  await t.rejects(sim.faults.get('decision-refuse'), { code: 'ERR_FAULT_UNKNOWN' });
  await t.rejects(sim.faults.add({ on: { seam: 'udp' }, then: { do: 'delay' } }), {
    code: 'ERR_FAULT_RULE',
    message: /delay needs "ms"/,
  });
  t.equal(await sim.faults.clear(), 0);
});
