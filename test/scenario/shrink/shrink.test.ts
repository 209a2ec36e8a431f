import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readScenario, runScenario, type Scenario, scenarioYaml, shrinkScenario } from '../../../src/scenario/index.ts';

t.setTimeout(300_000);

const folder = mkdtempSync(join(tmpdir(), 'tunnelite-shrink-'));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));

type Fault = NonNullable<Scenario['timeline'][number]['fault']>;

/** Twenty rules: pages take longer than they may only where both directions are slow. */
function storm(): Scenario {
  const rules: Fault[] = [];
  for (let i = 0; i < 20; i++) {
    const name = `rule-${i}`;
    const direction = i % 2 === 0 ? 'in' : 'out';
    if (i === 6 || i === 15) rules.push({ name, on: { seam: 'udp', direction }, then: { do: 'delay', ms: 700 } });
    else if (i % 5 === 0)
      rules.push({ name, on: { seam: 'udp', direction }, when: { chance: 0.02 }, then: { do: 'drop' } });
    else if (i % 5 === 1)
      rules.push({ name, on: { seam: 'udp', direction }, when: { chance: 0.1 }, then: { do: 'duplicate' } });
    else rules.push({ name, on: { seam: 'udp', direction }, when: { chance: 0.1 }, then: { do: 'delay', ms: 1 + i } });
  }
  return {
    name: 'storm',
    seed: 5,
    clients: 2,
    link: { delay: 5 },
    traffic: { fetch: 'http://10.20.0.10/whoami', every: '2s', timeout: '2500ms' },
    timeline: [
      ...rules.map((fault, i) => ({ at: `${4000 + i * 200}ms`, fault })),
      { at: '9s', clear: 'rule-3' },
      { at: '30s' },
    ],
    expect: [{ pages: { failed: 0 } }, { event: 'session.connect', count: 2 }, { rule: 'rule-7' }, { rule: 'rule-3' }],
  };
}

t.test('of twenty rules the two remain that it takes, and the printed file does it again', async (t) => {
  const steps: number[] = [];
  const shrunk = await shrinkScenario(storm(), { onRun: (progress) => steps.push(progress.steps) });
  t.strictSame(
    shrunk.scenario.timeline.map(({ fault }) => fault?.name),
    ['rule-6', 'rule-15', undefined],
  );
  t.match(shrunk, { steps: { before: 21, after: 2 }, minimal: true, result: { outcome: 'failed' } });
  t.strictSame(shrunk.scenario.expect, [{ pages: { failed: 0 } }], 'what was as expected is not asked for');
  t.equal(shrunk.scenario.clients ?? 1, 1);
  t.equal(shrunk.scenario.link, undefined);
  t.equal(shrunk.scenario.seed, 5);
  t.equal(steps.length, shrunk.runs);
  t.ok(shrunk.runs < 120, `${shrunk.runs} runs`);

  const file = join(folder, 'shrunk.yaml');
  writeFileSync(file, shrunk.yaml);
  t.match(shrunk.yaml, /^# The shortest part of storm that fails: 2 of 21 steps/);
  const again = await runScenario(file);
  t.equal(again.outcome, 'failed');
  t.strictSame(again.timeline, shrunk.result.timeline, 'to the letter');
  const { scenario } = readScenario(file);
  for (const name of ['rule-6', 'rule-15']) {
    const timeline = scenario.timeline.filter(({ fault }) => fault?.name !== name);
    t.ok((await runScenario({ ...scenario, timeline })).passed, `without ${name} it passes`);
  }
});

t.test('the same scenario is always made into the same one', async (t) => {
  const whole: Scenario = {
    seed: 3,
    gateway: { dpd: 5 },
    traffic: { fetch: 'http://10.20.0.10/whoami', every: '3s' },
    timeline: [
      { at: '2s', fault: { name: 'a', on: { seam: 'udp' }, when: { chance: 0.5 }, then: { do: 'delay', ms: 20 } } },
      { at: '3s', client: 'rekey' },
      { at: '5s', client: 'cut-udp' },
      { at: '6s', clear: 'a' },
      { at: '30s', client: 'roam' },
      { at: '60s' },
    ],
    expect: [{ never: 'channel.switch', where: { to: 'cstp' }, between: ['4s', '60s'] }],
  };
  const first = await shrinkScenario(whole);
  t.equal((await shrinkScenario(whole)).yaml, first.yaml);
  t.ok(first.steps.after <= 1, first.yaml);
});

t.test('what fails only because it is over too soon is not taken for the same', async (t) => {
  const { scenario } = await shrinkScenario({
    gateway: { dpd: 5 },
    timeline: [
      { at: '0s', fault: { name: 'hole', on: { seam: 'udp' }, then: { do: 'drop' } } },
      { at: '5s', client: 'rekey' },
      { at: '30s' },
    ],
    expect: [{ event: 'channel.dtls.open' }],
  });
  t.strictSame(
    scenario.timeline.slice(0, -1).map(({ fault }) => fault?.name),
    ['hole'],
  );
  const bare = { ...scenario, timeline: scenario.timeline.slice(-1) };
  t.ok((await runScenario(bare)).passed, 'without the hole it passes, as short as it is');
});

t.test('what cannot be made shorter is told', async (t) => {
  const passes: Scenario = { timeline: [{ at: '2s' }], expect: [{ event: 'session.connect' }] };
  await t.rejects(shrinkScenario(passes), { code: 'ERR_SCENARIO_SHRINK', message: /passes \(seed 1\)/ });
  await t.rejects(shrinkScenario({ ...passes, clock: 'real' }), { code: 'ERR_SCENARIO_SHRINK', message: /real clock/ });
  await t.rejects(shrinkScenario({ ...passes, timeline: [] }), { code: 'ERR_SCENARIO_INVALID' });
  const bare = await shrinkScenario({
    ...passes,
    expect: [{ never: 'session.connect' }],
    timeline: [{ at: '1s', client: 'rekey' }, { at: '3s' }],
  });
  t.match(bare.steps, { before: 1, after: 0 }, 'what fails without any step has none');
});

t.test('a judgement of the own, and a limit of runs', async (t) => {
  for (const maxRuns of [Number.NaN, 0, -1])
    await t.rejects(shrinkScenario(storm(), { maxRuns }), { code: 'ERR_COUNT_INVALID' });
  const file = join(folder, 'storm.yaml');
  writeFileSync(file, scenarioYaml(storm()));
  const shrunk = await shrinkScenario(file, {
    fails: ({ rules }) => rules.some(({ name, hits }) => name === 'rule-11' && hits > 0),
    maxRuns: 12,
  });
  t.ok(shrunk.runs <= 13);
  t.equal(shrunk.minimal, false);
  t.ok(shrunk.steps.after < 21);
  t.match(shrunk.yaml, /there may be a shorter one/);
  t.ok(shrunk.scenario.timeline.some((step) => step.fault?.name === 'rule-11'));
});
