export {
  type Expectation,
  type ExpectationResult,
  runScenario,
  type Scenario,
  type ScenarioOptions,
  type ScenarioResult,
  type ScenarioStep,
  type ShrinkOptions,
  type ShrinkProgress,
  type ShrunkScenario,
  scenarioYaml,
  shrinkScenario,
} from '../scenario/index.ts';
export {
  createWorld,
  type Page,
  type PageOptions,
  type Reply,
  type World,
  type WorldClient,
  type WorldOptions,
} from '../world/index.ts';
export type { RunnerHooks } from './runners.ts';
export { type FixtureOptions, type InstanceAddress, type SimulatorFixture, useSimulator } from './use-simulator.ts';
