import { checkCount } from '../lib/count.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { TunneliteEvent } from './events.ts';
import { assertFields } from './field-names.ts';
import { type AnyQuery, type JournalMark, matches, queryText, startOf } from './journal-query.ts';
import { type AnyEvent, eventLine, explainNothing } from './near-misses.ts';

/** The expected number of events: a number, or bounds. */
export type ExpectedCount = number | { readonly atLeast?: number; readonly atMost?: number };

/** How many events a message lists. */
const LISTED = 20;

/** Events as lines of a message. */
const listed = (events: readonly AnyEvent[]): string =>
  [
    ...events.slice(0, LISTED).map((event) => `\n  ${eventLine(event)}`),
    ...(events.length > LISTED ? [`\n  and ${events.length - LISTED} more`] : []),
  ].join('');

/**
 * `ERR_JOURNAL_EXPECTATION` when the number of matching events is not the expected one or cannot be determined, otherwise undefined.
 * @param all the events to search for near misses when the query found nothing, oldest first
 * @param lost number of the newest event dropped from the journal, 0 when none was
 */
export function unexpected(
  query: AnyQuery,
  found: readonly AnyEvent[],
  times: ExpectedCount,
  all: readonly TunneliteEvent[],
  lost: number,
): TunneliteError | undefined {
  checkExpected(times);
  const missing = missingSince(query, lost);
  const details = { found: found.length, expected: times };
  if (isExpected(found.length, times)) {
    if (missing === undefined || bounds(times).atMost === Infinity) return undefined;
    const text = `It is unknown whether there was ${found.length === 0 ? 'no' : `only ${found.length}`} ${queryText(query)}. ${missing}`;
    return new TunneliteError('ERR_JOURNAL_EXPECTATION', text, { hint: ROOM, details });
  }
  if (found.length === 0) {
    const nothing = explainNothing(all, query);
    const text = missing === undefined ? nothing : `${nothing}\n${missing}`;
    return new TunneliteError('ERR_JOURNAL_EXPECTATION', text, { details });
  }
  const { atLeast, atMost } = bounds(times);
  const wanted =
    atLeast === atMost ? `${atLeast || 'no'}` : found.length < atLeast ? `at least ${atLeast}` : `at most ${atMost}`;
  return new TunneliteError(
    'ERR_JOURNAL_EXPECTATION',
    `Expected ${wanted} ${queryText(query)}, and there ${found.length === 1 ? 'was 1' : `were ${found.length}`}:${listed(found)}`,
    { details },
  );
}

/** True when this number of events is the expected one. */
export function isExpected(count: number, times: ExpectedCount): boolean {
  const { atLeast, atMost } = bounds(times);
  return count >= atLeast && count <= atMost;
}

/** @throws TunneliteError `ERR_COUNT_INVALID` for an invalid number of events, or bounds without a limit */
function checkExpected(times: ExpectedCount): void {
  const what = 'The expected number of events';
  if (typeof times !== 'object' || times === null) {
    checkCount(what, times);
    return;
  }
  const { atLeast, atMost } = times;
  if (atLeast !== undefined) checkCount(`${what} (atLeast)`, atLeast);
  if (atMost !== undefined) checkCount(`${what} (atMost)`, atMost, { endless: true });
  if (atLeast === undefined && atMost === undefined) {
    throw new TunneliteError('ERR_COUNT_INVALID', `${what} is missing: set atLeast, atMost or both.`);
  }
  if ((atLeast ?? 0) > (atMost ?? Infinity)) {
    throw new TunneliteError('ERR_COUNT_INVALID', `No number is at least ${atLeast} and at most ${atMost}.`);
  }
}

function bounds(times: ExpectedCount): { readonly atLeast: number; readonly atMost: number } {
  if (typeof times === 'number') return { atLeast: times, atMost: times };
  return { atLeast: times.atLeast ?? 0, atMost: times.atMost ?? Infinity };
}

const ROOM = 'Raise journal.capacity, keep fewer events with journal.level, or set the mark later.';

/** Describes the events after a query's mark that the journal no longer has. A query without a mark asks only for existing events. */
function missingSince(query: Pick<AnyQuery, 'since' | 'after'>, lost: number): string | undefined {
  if ((query.since === undefined && query.after === undefined) || startOf(query) >= lost) return undefined;
  return `The journal was full: events since that mark, up to #${lost}, were dropped.`;
}

/**
 * `ERR_JOURNAL_PROBLEMS` when there are any problems, or when that cannot be determined, otherwise undefined.
 * @param lost number of the newest event dropped from the journal, 0 when none was
 */
export function unexpectedProblems(
  problems: readonly AnyEvent[],
  since: JournalMark | undefined,
  lost: number,
): TunneliteError | undefined {
  if (problems.length === 0) {
    const missing = missingSince(since === undefined ? {} : { since }, lost);
    if (missing === undefined) return undefined;
    const text = `It is unknown whether nothing went wrong. ${missing}`;
    return new TunneliteError('ERR_JOURNAL_PROBLEMS', text, { hint: ROOM, details: { count: 0 } });
  }
  return new TunneliteError(
    'ERR_JOURNAL_PROBLEMS',
    `${problems.length === 1 ? 'One thing' : `${problems.length} things`} went wrong:${listed(problems)}`,
    { details: { count: problems.length } },
  );
}

/** Problems without those that a test caused itself. */
export function withoutExceptions<T extends TunneliteEvent>(
  problems: readonly T[],
  except: AnyQuery | readonly AnyQuery[],
): T[] {
  const exceptions = [except].flat();
  for (const one of exceptions) assertFields(one);
  return problems.filter((event) => !exceptions.some((one) => matches(event, one)));
}
