export { passwordSignIn } from '../client/core/index.ts';
export { runLoad } from './engine/run.ts';
export type { GatewayProbe, LoadLogin, LoadProgress, LoadSurroundings, UsageReading } from './engine/types.ts';
export { type TokenSource, TokenStore } from './login/tokens.ts';
export { checkDescriptors } from './machine/descriptors.ts';
export { machineNetwork } from './machine/network.ts';
export { ownUsage, pidProbe } from './machine/usage.ts';
export { planJsonSchema } from './plan/json-schema.ts';
export {
  COUNTER_NAMES,
  COUNTERS,
  type CounterName,
  STATISTICS,
  type Statistic,
  TIME_NAMES,
  TIMES,
  type TimeName,
} from './plan/metrics.ts';
export { type CheckedPlan, checkPlan, parsePlan, readPlan } from './plan/read.ts';
export type {
  Arrivals,
  LoadClient,
  LoadFlows,
  LoadPassword,
  LoadPhase,
  LoadPlan,
  LoadToken,
  LoadTraffic,
  PhaseKind,
} from './plan/types.ts';
export { type LoadWorker, ownCount } from './plan/worker.ts';
export { resultHtml } from './report/html.ts';
export { COMPARED, type ComparedFigure, type Comparison, compareResults, suggestFigure } from './result/compare.ts';
export { comparisonText } from './result/compare-text.ts';
export { TimeHistogram } from './result/histogram.ts';
export { timeText } from './result/judge.ts';
export { loadJunitXml } from './result/junit.ts';
export { mergeResults } from './result/merge.ts';
export { readResult } from './result/read.ts';
export { resultText } from './result/text.ts';
export {
  type Column,
  type GatewayUsage,
  type LoadMeta,
  type LoadResult,
  type Measures,
  type PhaseResult,
  RESULT_FORMAT,
  RESULT_VERSION,
  type Series,
  type ThresholdResult,
  type TimeResult,
  type Usage,
} from './result/types.ts';
