import { conditionText, type FieldCondition, type FieldTest, meets, shown } from './conditions.ts';
import { EVENTS, type EventLevel, type EventMap, type EventName, LEVEL_RANK, type TunneliteEvent } from './events.ts';

/** All events of one area: `channel.*` matches `channel.switch`, `channel.dtls.open` and so on. */
export type EventArea = `${string}.*`;

/** A position in the journal: the number of the newest event when the mark was set. */
export type JournalMark = number;

/** Conditions on the fields of an event: each a value, or comparisons. */
export type FieldConditions<K extends EventName> = K extends EventName
  ? { readonly [F in keyof EventMap[K]]?: EventMap[K][F] | FieldTest }
  : never;

/** Selects events of the journal. All given conditions must hold. */
export interface JournalQuery<K extends EventName = EventName> {
  /** One name or area, or several. */
  readonly name?: K | EventArea | readonly (K | EventArea)[];
  /** Only events after this mark, as returned by `journal.mark()`. */
  readonly since?: JournalMark;
  /** Same as `since`: only events with a higher number. */
  readonly after?: number;
  /** Only events up to this mark. */
  readonly until?: JournalMark;
  /** Only events of this severity or higher. */
  readonly level?: EventLevel;
  /** Only events whose text contains this; case-insensitive. */
  readonly text?: string;
  /** Conditions on fields, for example `{ session: 'k3', milliseconds: { above: 100 } }`. */
  readonly fields?: FieldConditions<K>;
  /** Any further condition, as a function. */
  readonly where?: (event: TunneliteEvent<K>) => boolean;
}

/** A query for events of any name, for code that only reads it. */
export interface AnyQuery {
  readonly name?: string | readonly string[];
  readonly since?: JournalMark;
  readonly after?: number;
  readonly until?: JournalMark;
  readonly level?: EventLevel;
  readonly text?: string;
  readonly fields?: object;
  readonly where?: (event: never) => boolean;
}

/** The number after which events count. */
export function startOf({ since, after }: AnyQuery): number {
  return Math.max(since ?? 0, after ?? 0);
}

/** One condition that an event does not meet. */
export interface Mismatch {
  /** `name`, `level`, `text`, `condition`, or a field. */
  readonly of: string;
  /** A phrase such as `session was k4`. */
  readonly phrase: string;
}

/** Why an event does not match, regardless of its time: an empty list is a match. */
export function mismatches(event: TunneliteEvent, query: AnyQuery): Mismatch[] {
  const found: Mismatch[] = [];
  if (!named(event.name, query)) found.push({ of: 'name', phrase: 'another event' });
  if (query.level !== undefined && LEVEL_RANK[event.level] < LEVEL_RANK[query.level]) {
    found.push({ of: 'level', phrase: `level was ${event.level}` });
  }
  if (query.text !== undefined && !contains(event.text, query.text))
    found.push({ of: 'text', phrase: 'different text' });
  const fields = event.fields as Readonly<Record<string, unknown>>;
  for (const [field, condition] of conditions(query)) {
    if (meets(fields[field], condition)) continue;
    found.push({ of: field, phrase: field in fields ? `${field} was ${shown(fields[field])}` : `no field ${field}` });
  }
  // A function may rely on the query's other conditions.
  if (found.length === 0 && query.where && !query.where(event as never)) {
    found.push({ of: 'condition', phrase: 'the additional condition was not met' });
  }
  return found;
}

/** True when an event meets every condition of a query. */
export function matches(event: TunneliteEvent, query: AnyQuery): boolean {
  if (event.seq <= startOf(query)) return false;
  if (query.until !== undefined && event.seq > query.until) return false;
  if (!named(event.name, query)) return false;
  if (query.level !== undefined && LEVEL_RANK[event.level] < LEVEL_RANK[query.level]) return false;
  if (query.text !== undefined && !contains(event.text, query.text)) return false;
  if (query.fields) {
    const fields = event.fields as Readonly<Record<string, unknown>>;
    for (const [field, condition] of conditions(query)) {
      if (!meets(fields[field], condition)) return false;
    }
  }
  return query.where === undefined || query.where(event as never);
}

/** The event names that a query matches, with areas expanded; undefined: any. */
export function namesOf(query: AnyQuery): readonly EventName[] | undefined {
  if (query.name === undefined) return undefined;
  return (Object.keys(EVENTS) as EventName[]).filter((name) => named(name, query));
}

/** A readable description of a query, for messages: `channel.switch with session=k3, to=cstp`. */
export function queryText(query: AnyQuery): string {
  const names = query.name === undefined ? 'event' : [query.name].flat().join(' or ');
  const parts = conditions(query).map(([field, condition]) => conditionText(field, condition));
  if (query.level !== undefined) parts.push(`level ${query.level} or more severe`);
  if (query.text !== undefined) parts.push(`“${query.text}” in its text`);
  if (query.where) parts.push('an additional condition');
  const since = startOf(query);
  return `${names}${parts.length > 0 ? ` with ${parts.join(', ')}` : ''}${since > 0 ? ` after #${since}` : ''}`;
}

function named(name: EventName, query: AnyQuery): boolean {
  const wanted = query.name;
  if (wanted === undefined) return true;
  if (typeof wanted === 'string') return isNamed(name, wanted);
  return wanted.some((one) => isNamed(name, one));
}

function isNamed(name: EventName, wanted: string): boolean {
  return name === wanted || (wanted.endsWith('.*') && name.startsWith(wanted.slice(0, -1)));
}

function conditions(query: AnyQuery): [string, FieldCondition][] {
  return query.fields ? Object.entries(query.fields as Record<string, FieldCondition>) : [];
}

const contains = (text: string, part: string): boolean => text.toLowerCase().includes(part.toLowerCase());
