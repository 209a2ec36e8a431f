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
