import { TunneliteError } from '../lib/errors.ts';
import { EVENTS, LEVEL_RANK, type TunneliteEvent } from './events.ts';

/** One event as a line of NDJSON, with a trailing line break. Undefined fields are omitted. */
export function eventJson(event: TunneliteEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/**
 * Reads a journal that was exported as NDJSON. Empty lines are skipped.
 * @throws TunneliteError `ERR_JOURNAL_FILE` with the number of the first line that is not an event
 */
export function parseNdjson(text: string): TunneliteEvent[] {
  const events: TunneliteEvent[] = [];
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '') continue;
    const event = parseEvent(line);
    if (!event) {
      throw new TunneliteError('ERR_JOURNAL_FILE', `Line ${index + 1} of the journal is not an event.`, {
        details: { line: index + 1 },
      });
    }
    events.push(event);
  }
  return events;
}

/** Deepest nesting of an event's fields: more than any event has, and little enough for code that is recursive. */
const MAX_DEPTH = 16;

/** Whether a value of JSON has no more than so many levels. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  return levels > 0 && Object.values(value).every((one) => isShallow(one, levels - 1));
}

/** Parses one line of NDJSON as an event; undefined when it is not one. */
export function parseEvent(line: string): TunneliteEvent | undefined {
  try {
    const { seq, time, name, level, text, fields } = JSON.parse(line) as Record<string, unknown>;
    const whole =
      Number.isSafeInteger(seq) &&
      typeof time === 'number' &&
      typeof name === 'string' &&
      Object.hasOwn(EVENTS, name) &&
      typeof level === 'string' &&
      Object.hasOwn(LEVEL_RANK, level) &&
      typeof text === 'string' &&
      typeof fields === 'object' &&
      fields !== null &&
      isShallow(fields, MAX_DEPTH);
    return whole ? ({ seq, time, name, level, text, fields } as TunneliteEvent) : undefined;
  } catch {
    return undefined;
  }
}
