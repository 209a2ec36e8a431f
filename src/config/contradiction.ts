import type { Path, Problem } from '../lib/schema/index.ts';

/** A contradiction between members. */
export interface Contradiction extends Problem {
  /** Another member that takes part. Its place is told where the first one was not set by anybody. */
  readonly against?: Path;
}
