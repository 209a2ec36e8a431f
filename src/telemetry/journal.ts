import { type Clock, systemClock } from '../lib/clock.ts';
import { checkTimeout } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { EVENTS, type EventMap, type EventName, type TunneliteEvent } from './events.ts';
import { type ExpectedCount, unexpected, unexpectedProblems, withoutExceptions } from './expectations.ts';
import { assertFields } from './field-names.ts';
import { type AnyQuery, type JournalMark, type JournalQuery, matches, queryText, startOf } from './journal-query.ts';
import { eventJson } from './ndjson.ts';
import { explainNothing } from './near-misses.ts';

/** How long to wait for an event. */
export interface WaitOptions {
  /** Milliseconds of real time, regardless of the simulator's clock; default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

/** Options of a check for problems. */
export interface ProblemQuery {
  readonly since?: JournalMark;
  /** Problems to ignore because the test causes them itself. */
  readonly except?: JournalQuery | readonly JournalQuery[];
}

interface Waiter {
  readonly offer: (event: TunneliteEvent) => void;
  readonly giveUp: () => void;
}

/** Real time, regardless of the simulator's clock; its timers keep the process alive, since a caller is waiting. */
const STAYING: Clock = {
  ...systemClock,
  setTimer(ms, fn) {
    const handle = setTimeout(fn, Math.min(ms, 0x7fffffff));
    return { cancel: () => clearTimeout(handle) };
  },
};

/** Default of `WaitOptions.timeout`, in milliseconds. */
export const WAIT_TIMEOUT_MS = 10_000;

/**
 * The most recent events of a simulator, in memory, oldest first and bounded: from `simulator.starting` to `simulator.closed`.
 * Tests query past events, wait for future ones, and assert which events must or must not have happened.
 *
 * @example
 * ```ts
 * const mark = sim.journal.mark();
 * const { fields } = await sim.journal.waitFor({ name: 'session.connect', since: mark });
 * sim.journal.expect({ name: 'channel.dtls.open', since: mark, fields: { session: fields.session } });
 * sim.journal.expectNoProblems({ since: mark });
 * ```
 */
export class Journal {
  readonly #capacity: number;
  #events: TunneliteEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  #dropped = 0;
  #lost = 0;
  #newest = 0;
  #complete = false;

  constructor(options: { capacity: number }) {
    this.#capacity = options.capacity;
  }

  /** How many events were dropped because the journal was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Number of the newest event that was dropped, 0 when none was. Events up to this number are incomplete. */
  get lost(): number {
    return this.#lost;
  }

  /** Number of the newest event, 0 when there is none. */
  get last(): number {
    return this.#newest;
  }

  /** Number of the oldest event still in the journal, 0 when there is none. */
  get first(): number {
    return this.#events[0]?.seq ?? 0;
  }

  /** True once the simulator has closed: no more events follow. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Returns a mark: a query with `since: mark` matches only events after this moment. */
  mark(): JournalMark {
    return this.#newest;
  }

  /** @internal */
  append(event: TunneliteEvent): void {
    this.#events.push(event);
    this.#newest = event.seq;
    if (this.#events.length > this.#capacity) {
      // One splice for each eighth of the capacity, so a full journal does not shift at every event.
      const cut = this.#events.length - this.#capacity + (this.#capacity >> 3);
      this.#lost = this.#events.splice(0, cut).at(-1)!.seq;
      this.#dropped += cut;
    }
    for (const waiter of this.#waiters) waiter.offer(event);
  }

  /** @internal No more events follow: rejects pending waits. */
  finish(): void {
    this.#complete = true;
    for (const waiter of [...this.#waiters]) waiter.giveUp();
  }

  /**
   * Matching events, oldest first.
   * @throws TunneliteError `ERR_JOURNAL_QUERY` when `where` is not a function, or when no event has a requested field
   */
  query<K extends EventName>(query: JournalQuery<K> = {}): TunneliteEvent<K>[] {
    assertFunction(query.where);
    assertFields(query);
    const found: TunneliteEvent[] = [];
    for (let i = this.#indexAfter(startOf(query)); i < this.#events.length; i++) {
      const event = this.#events[i]!;
      if (query.until !== undefined && event.seq > query.until) break;
      if (matches(event, query)) found.push(event);
    }
    return found as TunneliteEvent<K>[];
  }

  /** @internal At most `count` events after a number, for reading the journal page by page. */
  page(after: number, count: number): readonly TunneliteEvent[] {
    const index = this.#indexAfter(after);
    return this.#events.slice(index, index + count);
  }

  /** How many events match. */
  count<K extends EventName>(query: JournalQuery<K> = {}): number {
    return this.query(query).length;
  }

  /**
   * Returns the matching events and asserts their number: at least one by default.
   * @throws TunneliteError `ERR_JOURNAL_EXPECTATION`; the message lists the nearest events and why each of them does not match. Also
   * when an upper bound since a mark is asserted and the journal no longer has all events since then
   */
  expect<K extends EventName>(query: JournalQuery<K>, times: ExpectedCount = { atLeast: 1 }): TunneliteEvent<K>[] {
    const found = this.query(query);
    const error = unexpected(query, found, times, this.#events, this.#lost);
    if (error) throw error;
    return found;
  }

  /**
   * Problems, oldest first: refusals, protocol errors, spoofed packets, limits reached. Events caused by a fault or a requested
   * failure are not included.
   */
  problems({ since = 0, except = [] }: ProblemQuery = {}): TunneliteEvent[] {
    return withoutExceptions(this.query({ since, where: isProblem }), except);
  }

  /**
   * Asserts that there were no problems.
   * @throws TunneliteError `ERR_JOURNAL_PROBLEMS`, listing them; also when the journal no longer has all events since the mark
   */
  expectNoProblems(query: ProblemQuery = {}): void {
    const error = unexpectedProblems(this.problems(query), query.since, this.#lost);
    if (error) throw error;
  }

  /** Matching events as NDJSON, oldest first: one JSON object per line. */
  ndjson<K extends EventName>(query: JournalQuery<K> = {}): string {
    return this.query(query)
      .map((event) => eventJson(event as TunneliteEvent))
      .join('');
  }

  /**
   * Resolves with the first matching event, past or future. Pass `since: journal.mark()` to wait for a new one.
   * If `where` throws, the wait rejects with that error.
   * @throws TunneliteError `ERR_TIMEOUT`, listing the events that did occur and the nearest ones; `ERR_CLOSED` when the simulator closed
   */
  async waitFor<K extends EventName>(query: JournalQuery<K>, options: WaitOptions = {}): Promise<TunneliteEvent<K>> {
    const timeout = checkTimeout(options.timeout ?? WAIT_TIMEOUT_MS);
    const [past] = this.query(query);
    if (past) return past;
    const closed = (): TunneliteError =>
      new TunneliteError('ERR_CLOSED', `The simulator closed without ${queryText(query)}.`, {
        hint: 'Wait before closing it; the journal can still be queried.',
      });
    if (this.#complete) throw closed();
    const before = this.#newest;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#waiters.delete(waiter);
        timer.cancel();
        options.signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        offer: (event) => {
          // An error in the waiting caller's condition must not reach the code that reports the event.
          try {
            if (!matches(event, query)) return;
            resolve(event as TunneliteEvent<K>);
          } catch (error) {
            reject(error);
          }
          finish();
        },
        giveUp: () => {
          finish();
          reject(closed());
        },
      };
      const onAbort = (): void => {
        finish();
        reject(options.signal?.reason);
      };
      const timer = patience(STAYING, timeout, () => {
        finish();
        try {
          reject(new TunneliteError('ERR_TIMEOUT', this.#waitedInVain(query, timeout, before)));
        } catch (error) {
          reject(error);
        }
      });
      this.#waiters.add(waiter);
      if (options.signal?.aborted) onAbort();
      else options.signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #waitedInVain(query: AnyQuery, timeout: number, before: number): string {
    const names = new Map<string, number>();
    for (const { name } of this.#events.slice(this.#indexAfter(before))) names.set(name, (names.get(name) ?? 0) + 1);
    const seen = Array.from(names, ([name, count]) => (count === 1 ? name : `${count} × ${name}`));
    return `Waited ${timeout} ms for ${queryText(query)}; meanwhile ${seen.length === 0 ? 'nothing happened' : `these events occurred: ${seen.join(', ')}`}.\n${explainNothing(this.#events, query)}`;
  }

  /** Index of the first event with a higher number. */
  #indexAfter(seq: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.seq <= seq) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function isProblem<K extends EventName>(event: TunneliteEvent<K>): boolean {
  const { problem } = EVENTS[event.name] as { readonly problem?: (fields: EventMap[EventName]) => boolean };
  return problem?.(event.fields) ?? false;
}

/** Helps users who confuse this API with the command line, REST and scenarios, where `where` lists fields; here `fields` does. */
function assertFunction(where: unknown): void {
  if (where === undefined || typeof where === 'function') return;
  throw new TunneliteError('ERR_JOURNAL_QUERY', 'where must be a function that receives an event.', {
    hint: "To compare fields, use fields instead of where: { name: 'channel.switch', fields: { to: 'cstp' } }.",
  });
}
