import { TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { type Static, suggest, Type } from '../../lib/schema/index.ts';
import {
  assertFields,
  EVENTS,
  type EventName,
  type JournalQuery,
  namesOf,
  parseConditions,
} from '../../telemetry/index.ts';

const Words = (description: string) =>
  Type.Optional(
    Type.Union(
      [
        Type.String({ format: 'text', minLength: 1, maxLength: 2048 }),
        Type.Array(Type.String({ format: 'text', minLength: 1, maxLength: 2048 }), { maxItems: 100 }),
      ],
      { description },
    ),
  );

const Count = (description: string) => Type.Optional(Type.String({ format: 'whole', description }));

/** Schema of a journal query in a URL. */
export const JOURNAL_QUERY = {
  name: Words('Names or areas of events, separated by commas: `channel.switch`, `session.*`. Repeatable.'),
  where: Words(
    'A condition on a field: `session=k3`, `reason!=expired`, `milliseconds>100`, `explanation~audience`. Repeatable; all must hold.',
  ),
  since: Count('Only events after this mark.'),
  until: Count('Only events up to this mark.'),
  level: Type.Optional(
    Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], {
      noun: 'level',
      description: 'Only events of this severity or a higher one.',
    }),
  ),
  text: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 1024,
      description: 'Only events whose sentence contains this, ignoring case.',
    }),
  ),
};

const QuerySchema = Type.Object(JOURNAL_QUERY, { additionalProperties: false });
type QueryText = Static<typeof QuerySchema>;

/** The parts of a query that select events. */
export type EventSelection = Pick<QueryText, 'name' | 'where' | 'since' | 'until' | 'level' | 'text'>;

/**
 * Parses a query from a URL. Checks names and fields against the table of events, so that a misspelled one causes an error instead of no matches.
 * @throws TunneliteError `ERR_JOURNAL_QUERY`
 */
export function journalQuery({ name, where, since, until, level, text }: EventSelection): JournalQuery {
  const names = [name ?? []]
    .flat()
    .flatMap((one) => one.split(',').map((part) => part.trim()))
    .filter((one) => one !== '');
  if (name !== undefined && names.length === 0) {
    throw new TunneliteError(
      'ERR_JOURNAL_QUERY',
      `“${printable([name].flat().join('&').slice(0, 80))}” names no event.`,
    );
  }
  for (const one of names) checkName(one);
  const query = {
    ...(names.length > 0 && { name: names as EventName[] }),
    ...(since !== undefined && { since: Number(since) }),
    ...(until !== undefined && { until: Number(until) }),
    ...(level !== undefined && { level }),
    ...(text !== undefined && { text }),
  } satisfies JournalQuery;
  const conditions = [where ?? []].flat();
  if (conditions.length === 0) return query;
  const asked = { ...query, fields: parseConditions(conditions) } as JournalQuery;
  assertFields(asked);
  return asked;
}

/** @throws TunneliteError `ERR_JOURNAL_QUERY` for an unknown event name, or an area without events */
function checkName(name: string): void {
  if (namesOf({ name })!.length > 0) return;
  const all = Object.keys(EVENTS);
  const meant = suggest(name, [...all, ...new Set(all.map((one) => `${one.slice(0, one.indexOf('.'))}.*`))]);
  throw new TunneliteError(
    'ERR_JOURNAL_QUERY',
    `There is no event “${name}”${meant === undefined ? '.' : `. Did you mean “${meant}”?`}`,
  );
}
