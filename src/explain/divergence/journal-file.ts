import { createReadStream } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { parseEvent, type TunneliteEvent } from '../../telemetry/index.ts';

/** Longest line, in characters: far more than any event needs. */
const MAX_LINE = 1_048_576;

/**
 * Reads the events of an NDJSON journal as a stream. Skips empty lines.
 * @throws TunneliteError `ERR_JOURNAL_FILE` with the file and the number of the first line that is not an event
 */
export async function* journalFile(path: string): AsyncGenerator<TunneliteEvent> {
  let number = 0;
  const bad = (what: string): TunneliteError =>
    new TunneliteError('ERR_JOURNAL_FILE', `${printable(path)}:${number}: ${what}`, {
      details: { path, line: number },
    });
  let rest = '';
  const read = function* (line: string): Generator<TunneliteEvent> {
    number++;
    if (line.trim() === '') return;
    const event = parseEvent(line);
    if (!event) throw bad('The line is not an event.');
    yield event;
  };
  try {
    for await (const chunk of createReadStream(path, { encoding: 'utf8', highWaterMark: 256 * 1024 })) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop()!;
      for (const line of lines) yield* read(line);
      if (rest.length <= MAX_LINE) continue;
      number++;
      throw bad(`The line is longer than ${MAX_LINE} characters.`);
    }
  } catch (cause) {
    if (cause instanceof TunneliteError) throw cause;
    throw new TunneliteError('ERR_JOURNAL_FILE', `${printable(path)} cannot be read: ${errorText(cause)}`, { cause });
  }
  yield* read(rest);
}
