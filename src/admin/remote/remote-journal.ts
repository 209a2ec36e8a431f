import { checkTimeout } from '../../lib/duration.ts';
import {
  type AnyQuery,
  conditionTexts,
  type EventListener,
  type EventName,
  type ExpectedCount,
  eventJson,
  type FieldCondition,
  isExpected,
  type JournalMark,
  type JournalQuery,
  type ProblemQuery,
  parseNdjson,
  type TunneliteEvent,
  unexpected,
  unexpectedProblems,
  WAIT_TIMEOUT_MS,
  type WaitOptions,
  withoutExceptions,
} from '../../telemetry/index.ts';
import type { Requests } from './requests.ts';

/** Milliseconds to allow for a response beyond the wait itself. */
const ANSWER_MARGIN_MS = 10_000;

/** The journal of an instance in another process: like `Journal`, but every result is a promise. */
export class RemoteJournal {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Sets a mark: `since: mark` in a query then selects only later events. */
  async mark(): Promise<JournalMark> {
    return (await this.#requests.json<{ mark: number }>('/api/journal/mark')).mark;
  }

  /** Matching events, oldest first. */
  async query<K extends EventName>(query: JournalQuery<K> = {}): Promise<TunneliteEvent<K>[]> {
    const parameters = parametersOf(query);
    parameters.set('format', 'ndjson');
    const events = parseNdjson(await this.#requests.text('/api/journal', { query: parameters })) as TunneliteEvent<K>[];
    const { where } = query;
    return where ? events.filter((event) => where(event)) : events;
  }

  /** Number of matching events. */
  async count<K extends EventName>(query: JournalQuery<K> = {}): Promise<number> {
    return (await this.query(query)).length;
  }

  /**
   * Returns the matching events if their number is as expected: by default at least one.
   * @throws TunneliteError `ERR_JOURNAL_EXPECTATION`; the message lists the actual events
   */
  async expect<K extends EventName>(
    query: JournalQuery<K>,
    times: ExpectedCount = { atLeast: 1 },
  ): Promise<TunneliteEvent<K>[]> {
    const found = await this.query(query);
    const fits = isExpected(found.length, times);
    // Searches all events for the nearest match.
    const error = unexpected(query, found, times, fits ? [] : await this.query(), await this.#lost());
    if (error) throw error;
    return found;
  }

  /** Problems that no fault and no requested failure caused, oldest first. */
  async problems(query: ProblemQuery = {}): Promise<TunneliteEvent[]> {
    const parameters = new URLSearchParams();
    if (query.since !== undefined) parameters.set('since', String(query.since));
    const { problems } = await this.#requests.json<{ problems: TunneliteEvent[] }>('/api/journal/problems', {
      query: parameters,
    });
    return withoutExceptions(problems, query.except ?? []);
  }

  /**
   * Asserts that there were no problems.
   * @throws TunneliteError `ERR_JOURNAL_PROBLEMS`, listing them
   */
  async expectNoProblems(query: ProblemQuery = {}): Promise<void> {
    const problems = await this.problems(query);
    const error = unexpectedProblems(problems, query.since, await this.#lost());
    if (error) throw error;
  }

  /** Sequence number of the newest event that the journal dropped. */
  async #lost(): Promise<number> {
    const query = new URLSearchParams({ limit: '0', name: 'simulator.starting' });
    return (await this.#requests.json<{ lost: number }>('/api/journal', { query })).lost;
  }

  /** Matching events as NDJSON, oldest first: one JSON object per line. */
  async ndjson<K extends EventName>(query: JournalQuery<K> = {}): Promise<string> {
    return (await this.query(query)).map((event) => eventJson(event as TunneliteEvent)).join('');
  }

  /**
   * The first matching event, past or future.
   * @throws TunneliteError `ERR_TIMEOUT`, listing the actual events and the nearest match
   */
  async waitFor<K extends EventName>(
    query: JournalQuery<K>,
    { timeout = WAIT_TIMEOUT_MS, signal }: WaitOptions = {},
  ): Promise<TunneliteEvent<K>> {
    const deadline = performance.now() + checkTimeout(timeout);
    let { since } = query;
    for (;;) {
      const left = Math.max(0, deadline - performance.now());
      const parameters = parametersOf({ ...query, ...(since !== undefined && { since }) });
      parameters.set('timeout', (Math.ceil(left) / 1000).toFixed(3));
      const asked = { query: parameters, timeout: left + ANSWER_MARGIN_MS, signal };
      const event = await this.#requests.json<TunneliteEvent<K>>('/api/journal/wait', asked);
      if (!query.where || query.where(event)) return event;
      // A condition in code is evaluated here; if it fails, the wait continues after this event.
      since = event.seq;
    }
  }

  /** Calls back with each new event; call the returned function to stop. */
  follow(listener: EventListener, onEnd: (error?: unknown) => void = () => {}, query: JournalQuery = {}): () => void {
    return this.#requests.stream(
      '/api/journal/stream',
      parametersOf(query),
      (data) => {
        const event = JSON.parse(data) as TunneliteEvent;
        if (!query.where || query.where(event)) listener(event);
      },
      onEnd,
    );
  }
}

/** A query in URL form, without a condition in code. */
export function parametersOf({ name, since, after, until, level, text, fields }: AnyQuery): URLSearchParams {
  const parameters = new URLSearchParams();
  for (const one of [name ?? []].flat()) parameters.append('name', one);
  const begin = Math.max(since ?? 0, after ?? 0);
  if (begin > 0) parameters.set('since', String(begin));
  if (until !== undefined) parameters.set('until', String(until));
  if (level !== undefined) parameters.set('level', level);
  if (text !== undefined) parameters.set('text', text);
  for (const [field, condition] of Object.entries((fields ?? {}) as Record<string, FieldCondition>)) {
    for (const one of conditionTexts(field, condition)) parameters.append('where', one);
  }
  return parameters;
}
