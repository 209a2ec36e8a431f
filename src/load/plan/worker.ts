import type { LoadPlan } from './types.ts';

/** Ours: maximum number of workers of a run. */
export const MAX_WORKERS = 1000;

/** One of several processes that run a plan together. They do not communicate: the numbers determine each worker's part. */
export interface LoadWorker {
  /** From 1 to `of`. */
  readonly index: number;
  readonly of: number;
}

/** The worker of a plan that a single process runs. */
export const ALONE: LoadWorker = { index: 1, of: 1 };

/** Whether a worker has the client, or the arrival, of this number. Numbers count from 0. */
export const isOwn = (number: number, { index, of }: LoadWorker): boolean => number % of === index - 1;

/** How many of this number a worker has. */
export const ownCount = (all: number, { index, of }: LoadWorker): number =>
  Math.max(0, Math.ceil((all - index + 1) / of));

/** A client's index within its worker. */
export const ownPlace = (number: number, { of }: LoadWorker): number => Math.floor(number / of);

/** The number of a worker's client. */
export const ownNumber = (place: number, { index, of }: LoadWorker): number => place * of + index - 1;

/**
 * The plan as workers run it: they do not know when the others are done, and stay in step only if every phase has its planned
 * duration.
 */
export const inStep = (plan: LoadPlan): LoadPlan => ({
  ...plan,
  phases: plan.phases.map(({ until: _until, ...phase }) => phase),
});
