export {
  conditionText,
  conditionTexts,
  type FieldCondition,
  type FieldTest,
  type FieldValue,
  parseConditions,
} from './conditions.ts';
export * from './events.ts';
export {
  type ExpectedCount,
  isExpected,
  unexpected,
  unexpectedProblems,
  withoutExceptions,
} from './expectations.ts';
export { assertFields, fieldNamesOf } from './field-names.ts';
export {
  Journal,
  type ProblemQuery,
  WAIT_TIMEOUT_MS,
  type WaitOptions,
} from './journal.ts';
export {
  type AnyQuery,
  type EventArea,
  type FieldConditions,
  type JournalMark,
  type JournalQuery,
  matches,
  namesOf,
  queryText,
} from './journal-query.ts';
export { createLogger, type LogFormat } from './logger.ts';
export { eventJson, parseEvent, parseNdjson } from './ndjson.ts';
export { eventLine, explainNothing } from './near-misses.ts';
export { type EventListener, type EventLogger, Telemetry } from './telemetry.ts';
