import type { EventName, TunneliteEvent } from './events.ts';
import { type AnyQuery, type Mismatch, mismatches, namesOf, queryText, startOf } from './journal-query.ts';

/** How many near misses a message lists. */
const SHOWN = 3;

/** Characters of an event's sentence in a message. */
const MAX_TEXT = 160;

interface Miss {
  readonly event: TunneliteEvent;
  readonly why: readonly Mismatch[];
  readonly distance: number;
}

/**
 * Explains why a query found nothing: the query, the nearest events, and why each of them did not match.
 * @param events those in the journal, oldest first
 * @param lineOf formats an event
 */
export function explainNothing(
  events: readonly TunneliteEvent[],
  query: AnyQuery,
  lineOf: (event: TunneliteEvent) => string = eventLine,
): string {
  const since = startOf(query);
  const nearest: Miss[] = [];
  const names = namesOf(query);
  let looked = 0;
  for (const event of events) {
    if (event.seq <= since || (query.until !== undefined && event.seq > query.until)) continue;
    looked++;
    const why = mismatches(event, query);
    const distance = distanceOf(event, query, names, why);
    if (distance !== undefined) insert(nearest, { event, why, distance });
  }
  const asked = `No ${queryText(query)}`;
  if (looked === 0) return `${asked}: nothing has happened${since > 0 ? ' since' : ''}.`;
  if (nearest.length === 0)
    return `${asked}, and nothing similar among ${looked} ${looked === 1 ? 'event' : 'events'}.`;
  const lines = nearest.map(
    ({ event, why }) => `\n  ${lineOf(event)}\n    (${why.map((one) => one.phrase).join(', ')})`,
  );
  return `${asked}. Nearest:${lines.join('')}`;
}

/** Distance of an event from a query; undefined: unrelated. */
function distanceOf(
  event: TunneliteEvent,
  query: AnyQuery,
  names: readonly EventName[] | undefined,
  why: readonly Mismatch[],
): number | undefined {
  if (names === undefined || names.includes(event.name)) return why.length;
  const kin = names.some((name) => areaOf(name) === areaOf(event.name));
  const alike = Object.keys(query.fields ?? {}).some((field) => !why.some((one) => one.of === field));
  if (kin && alike) return why.length;
  return kin || alike ? why.length + 1 : undefined;
}

/** Keeps the nearest events in order, preferring newer ones at equal distance. */
function insert(nearest: Miss[], miss: Miss): void {
  let at = nearest.length;
  while (at > 0 && nearest[at - 1]!.distance >= miss.distance) at--;
  nearest.splice(at, 0, miss);
  if (nearest.length > SHOWN) nearest.pop();
}

/** The part of an event that {@link eventLine} needs. */
export type AnyEvent = Pick<TunneliteEvent, 'seq' | 'name' | 'text'>;

/** An event on one line: number, name, sentence. */
export function eventLine(event: AnyEvent): string {
  const text = event.text.length > MAX_TEXT ? `${event.text.slice(0, MAX_TEXT)}…` : event.text;
  return `#${event.seq} ${event.name}: ${text}`;
}

/** `channel` of `channel.switch`. */
const areaOf = (name: string): string => name.slice(0, name.indexOf('.'));
