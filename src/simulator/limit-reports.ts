import type { Clock } from '../lib/clock.ts';
import { requesterOf } from './stack-port.ts';

/** Milliseconds between two reports of one limit and one session, so that a flood is visible but does not fill the journal. Ours. */
const REPORT_INTERVAL = 10_000;

interface Reported {
  at: number;
  /** Count since then, not reported yet. */
  count: number;
}

const NOBODY = {};

/** A limit that was reached, the action taken, and the owner of the entry or request. */
interface Reached {
  readonly table: string;
  readonly action: 'refused' | 'replaced' | 'evicted';
  readonly owner: object | undefined;
}

/** The report of a limit. */
interface Report {
  readonly session: string | undefined;
  readonly table: string;
  readonly action: string;
  readonly count: number;
}

/** Reports limits per session: the first time immediately, then at most every ten seconds, with a count. */
export function limitReports(tell: (report: Report) => void, clock: Clock): (limit: Reached) => void {
  const reports = new WeakMap<object, Map<string, Reported>>();
  return ({ table, action, owner }) => {
    let ofOwner = reports.get(owner ?? NOBODY);
    if (!ofOwner) reports.set(owner ?? NOBODY, (ofOwner = new Map()));
    const key = `${table} ${action}`;
    const now = clock.monotonic();
    let report = ofOwner.get(key);
    if (!report) ofOwner.set(key, (report = { at: -Infinity, count: 0 }));
    report.count++;
    if (now - report.at < REPORT_INTERVAL) return;
    tell({ session: requesterOf(owner)?.session, table, action, count: report.count });
    report.at = now;
    report.count = 0;
  };
}
