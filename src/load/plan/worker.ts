import type { LoadPlan } from './types.ts';

/** Ours: workers of a run at most. */
export const MAX_WORKERS = 1000;

/** One of several processes that run a plan together. None knows of the others: who has what follows from the numbers. */
export interface LoadWorker {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
}

/** Who runs a plan alone. */
export const ALONE: LoadWorker = { index: 1, of: 1 };

/** Whether a worker has the client, or the arrival, of this number. Numbers count from 0. */
export const isOwn = (number: number, { index, of }: LoadWorker): boolean => number % of === index - 1;

/** How many of so many a worker has. */
export const ownCount = (all: number, { index, of }: LoadWorker): number =>
  Math.max(0, Math.ceil((all - index + 1) / of));

/** A client's number among those of its worker. */
export const ownPlace = (number: number, { of }: LoadWorker): number => Math.floor(number / of);

/** The number of a worker's client. */
export const ownNumber = (place: number, { index, of }: LoadWorker): number => place * of + index - 1;

/**
 * The plan as workers run it: they do not know when the others are done, and stay in step only where every phase lasts as long as the plan
 * says.
 */
export const inStep = (plan: LoadPlan): LoadPlan => ({
  ...plan,
  phases: plan.phases.map(({ until: _until, ...phase }) => phase),
});
