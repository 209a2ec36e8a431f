/** An expectation, and its result. */
export interface ExpectationResult {
  /** `storm.yaml:12:5`, or `expect[2]` without a file. */
  readonly place: string;
  /** The expectation, in words. */
  readonly expected: string;
  readonly passed: boolean;
  /** The finding, in words; several lines if the expectation was not met. */
  readonly found: string;
}

/** The statistics of a fault rule. */
export interface RuleResult {
  readonly name: string;
  readonly seen: number;
  readonly hits: number;
}

/** Result of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  /** The path of its file, as given. */
  readonly file: string | undefined;
  readonly clock: 'virtual' | 'real';
  readonly seed: number;
  /** `error`: it could not be completed. */
  readonly outcome: 'passed' | 'failed' | 'error';
  readonly passed: boolean;
  readonly expectations: readonly ExpectationResult[];
  readonly rules: readonly RuleResult[];
  readonly pages: { readonly fetched: number; readonly failed: number };
  /** Why it could not be completed. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } | undefined;
  /** Duration in milliseconds by the timeline. */
  readonly duration: number;
  /** Real duration in milliseconds. */
  readonly milliseconds: number;
  /** The course of events, one line each: steps, events, and output of clients, with the seconds since the start. */
  readonly timeline: readonly string[];
  /** A command that repeats the run. */
  readonly repeat: string;
  /** Everything as readable text: one line if it passed. */
  readonly report: string;
}

/** Seconds since the start, with milliseconds. */
export const timeText = (at: number): string => `${(at / 1000).toFixed(3)}s`;
