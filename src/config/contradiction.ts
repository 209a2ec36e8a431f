import type { Path, Problem } from '../lib/schema/index.ts';

/** A contradiction between members. */
export interface Contradiction extends Problem {
  /** Another member involved. Its location is reported if the first one was not set explicitly. */
  readonly against?: Path;
}
