import type { Target } from '../intruder.ts';

/** An attack at its height. */
export interface Mounted {
  /** What was done and what came of it, by name. */
  readonly counts: Readonly<Record<string, number>>;
  /** Lets go of everything. */
  release(): Promise<void> | void;
}

export type Attack = (target: Target) => Promise<Mounted>;
