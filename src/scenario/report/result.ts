/** An expectation, and its result. */
export interface ExpectationResult {
  /** `storm.yaml:12:5`, or `expect[2]` without a file. */
  readonly place: string;
  /** What was expected, in words. */
  readonly expected: string;
  readonly passed: boolean;
  /** What there was, in words; several lines where it was not as expected. */
  readonly found: string;
}

/** How a fault rule fared. */
export interface RuleResult {
  readonly name: string;
  readonly seen: number;
  readonly hits: number;
}

/** What came of a scenario. */
export interface ScenarioResult {
  readonly name: string;
  /** The file that it was read from, as it was named. */
  readonly file: string | undefined;
  readonly clock: 'virtual' | 'real';
  readonly seed: number;
  /** `error`: it could not be run to its end. */
  readonly outcome: 'passed' | 'failed' | 'error';
  readonly passed: boolean;
  readonly expectations: readonly ExpectationResult[];
  readonly rules: readonly RuleResult[];
  readonly pages: { readonly fetched: number; readonly failed: number };
  /** Why it could not be run to its end. */
  readonly error: { readonly code: string; readonly message: string; readonly hint: string | undefined } | undefined;
  /** Milliseconds by the timeline. */
  readonly duration: number;
  /** Milliseconds that it took. */
  readonly milliseconds: number;
  /** What happened, a line each: steps, events, and what clients said, with the seconds since the start. */
  readonly timeline: readonly string[];
  /** A command that does the same again. */
  readonly repeat: string;
  /** All of it for a person: one line where it passed. */
  readonly report: string;
}

/** Seconds since the start, with milliseconds. */
export const timeText = (at: number): string => `${(at / 1000).toFixed(3)}s`;
