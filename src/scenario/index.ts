export { scenarioJsonSchema } from './format/json-schema.ts';
export { checkScenario, type LoadedScenario, parseScenario, readScenario } from './format/load.ts';
export type {
  ClientAction,
  CommandClient,
  Duration,
  Expectation,
  Scenario,
  ScenarioStep,
  ScenarioToken,
  ScenarioTraffic,
} from './format/types.ts';
export { scenarioYaml } from './format/write.ts';
export { junitXml } from './report/junit.ts';
export type { ExpectationResult, RuleResult, ScenarioResult } from './report/result.ts';
export { tapText } from './report/tap.ts';
export { runScenario, type ScenarioOptions } from './run/run.ts';
export { type ShrinkOptions, type ShrinkProgress, type ShrunkScenario, shrinkScenario } from './shrink/shrink.ts';
