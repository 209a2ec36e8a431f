export * from './events.ts';
export { Journal, type JournalQuery, type WaitOptions } from './journal.ts';
export { createLogger, type LogFormat, type LoggerOptions } from './logger.ts';
export { type EventListener, type EventLogger, Telemetry, type TelemetryOptions } from './telemetry.ts';
