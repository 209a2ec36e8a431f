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
export type { ExpectationResult, RuleResult } from './run/judge.ts';
export { runScenario, type ScenarioOptions, type ScenarioResult } from './run/run.ts';
