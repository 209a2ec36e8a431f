export { EventTally } from './event-tally.ts';
export { Metrics, type MetricsText } from './metrics.ts';
export type { MetricsSources } from './sources.ts';
