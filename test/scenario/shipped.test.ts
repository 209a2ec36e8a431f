import { globSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { readScenario, runScenario, type Scenario } from '../../src/scenario/index.ts';
import { REPOSITORY } from '../support/documents/markdown.ts';

// Each scenario that ships passes, and fails when what it is about does not happen.

t.setTimeout(300_000);
/** Each scenario is run with the seeds from 1 to this one. */
const SEEDS = Number(process.env.TUNNELITE_SCENARIO_SEEDS ?? 1);
const folder = join(REPOSITORY, 'examples/scenarios');
const files = globSync('*.yaml', { cwd: folder }).toSorted();

/** The same, but its fault rules never strike: they begin long after its end. */
const idle = (scenario: Scenario): Scenario => ({
  ...scenario,
  timeline: scenario.timeline.map((step) =>
    step.fault ? { ...step, fault: { ...step.fault, when: { ...step.fault.when, after: '1000h' } } } : step,
  ),
});

/** Those whose fault is not a rule, and how it is left out. */
const without: Readonly<Record<string, (scenario: Scenario) => Scenario>> = {
  'ban.yaml': (scenario) => ({ ...scenario, gateway: { bans: { maxScore: 0 } } }),
  'gateway-restart.yaml': (scenario) => ({
    ...scenario,
    timeline: scenario.timeline.filter(({ gateway }) => !gateway),
  }),
  'key-roll-over.yaml': (scenario) => ({ ...scenario, timeline: scenario.timeline.filter(({ keys }) => !keys) }),
  'pool-exhausted.yaml': (scenario) => ({ ...scenario, gateway: { network: '169.254.0.0/24' } }),
  'session-limit.yaml': (scenario) => ({ ...scenario, gateway: { sessionTimeout: null } }),
  'token-expired-at-reconnect.yaml': (scenario) => ({ ...scenario, token: { lifetime: '1h' } }),
};

t.ok(files.length >= 14);

for (const file of files) {
  const loaded = readScenario(join(folder, file));

  t.test(`${file} passes, whatever the seed`, async (t) => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const { passed, report } = await runScenario(loaded, { seed });
      t.ok(passed, report);
    }
  });

  t.test(`${file} fails when its fault does not happen`, async (t) => {
    const change = without[file];
    const result = await runScenario((change ?? idle)(loaded.scenario));
    t.equal(result.outcome, 'failed', result.report);
    const failed = result.expectations.filter(({ passed }) => !passed).map(({ expected }) => expected);
    const others = failed.filter((text) => !text.startsWith('the fault rule'));
    t.ok(others.length > 0, 'what the fault brings about is expected, not only the fault', { failed });
    if (!change) t.ok(others.length < failed.length, 'a rule that never struck fails the run', { failed });
  });
}

t.test('no exception is left over', async (t) => {
  t.strictSame(
    Object.keys(without).filter((file) => !files.includes(file)),
    [],
  );
});
