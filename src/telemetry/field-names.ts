import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import { suggest } from '../lib/schema/suggest.ts';
import { EVENT_FIELDS } from './event-fields.ts';
import type { EventName } from './events.ts';
import { type AnyQuery, namesOf } from './journal-query.ts';

/** The fields of the events that a query names; of all events when it names none. */
export function fieldNamesOf(query: Pick<AnyQuery, 'name'>): ReadonlySet<string> {
  const names = namesOf(query) ?? (Object.keys(EVENT_FIELDS) as EventName[]);
  return new Set<string>(names.flatMap((name) => EVENT_FIELDS[name]));
}

/**
 * Refuses a query for a field that none of its events has: it could never match, and an expectation of no match would always hold.
 * @throws TunneliteError `ERR_JOURNAL_QUERY`
 */
export function assertFields(query: AnyQuery): void {
  const asked = Object.keys(query.fields ?? {});
  if (asked.length === 0) return;
  const known = fieldNamesOf(query);
  // There is no such event, so its fields cannot be checked.
  if (known.size === 0 && query.name !== undefined && namesOf(query)!.length === 0) return;
  const unknown = asked.find((field) => !known.has(field));
  if (unknown === undefined) return;
  const meant = suggest(unknown, known);
  const events = query.name === undefined ? 'No event' : `No event ${[query.name].flat().join(' or ')}`;
  throw new TunneliteError(
    'ERR_JOURNAL_QUERY',
    `${events} has a field “${printable(unknown.slice(0, 80))}”${meant === undefined ? '.' : `; did you mean “${meant}”?`}`,
    query.name === undefined ? {} : { hint: `There are ${[...known].sort().join(', ') || 'none'}.` },
  );
}
