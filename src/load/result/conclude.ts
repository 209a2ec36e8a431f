import { judge } from './judge.ts';
import { type LoadResult, RESULT_FORMAT, RESULT_VERSION, type ThresholdResult } from './types.ts';

/** Conditions for every run, whatever its plan requires. */
const ALWAYS = ['login.done > 0'];

/** The measurements, before they are judged. */
export interface Findings
  extends Pick<LoadResult, 'meta' | 'phases' | 'totals' | 'series'>,
    Partial<Pick<LoadResult, 'gateway'>> {
  /** Why its times are not the gateway's, in sentences. */
  readonly reasons: readonly string[];
  /** Milliseconds. */
  readonly lagBound: number;
  readonly interrupted: boolean;
}

/** Completes a result with the evaluation of its plan's thresholds. A worker has only a part of the run, so it evaluates none. */
export function conclude({ meta, phases, totals, gateway, series, ...rest }: Findings): LoadResult {
  const { reasons, lagBound, interrupted } = rest;
  const { plan, worker } = meta;
  const thresholds: ThresholdResult[] = worker
    ? []
    : [
        ...phases.flatMap(({ name, measures }, i) => judge(plan.phases[i]?.thresholds ?? [], measures, name)),
        ...judge([...ALWAYS, ...(plan.thresholds ?? [])], totals),
      ];
  const failed = thresholds.some(({ passed }) => !passed);
  return {
    format: RESULT_FORMAT,
    version: RESULT_VERSION,
    meta,
    outcome: interrupted ? 'interrupted' : reasons.length > 0 ? 'invalid' : failed ? 'failed' : 'passed',
    validity: { valid: reasons.length === 0, reasons, lagBound },
    phases,
    totals,
    thresholds,
    ...(gateway && { gateway }),
    series,
  };
}
