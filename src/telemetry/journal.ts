import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { EventMap, EventName, TunneliteEvent } from './events.ts';

/** Which events of the journal are meant. All given conditions must hold. */
export interface JournalQuery<K extends EventName = EventName> {
  /** One name, or several. */
  readonly name?: K | readonly K[];
  /** Only events with a higher sequence number. */
  readonly after?: number;
  /** Fields that must be equal, for example `{ session: 'a1b2c3' }`. */
  readonly fields?: Partial<EventMap[K]>;
  /** Any further condition. */
  readonly where?: (event: TunneliteEvent<K>) => boolean;
}

export interface WaitOptions {
  /** Milliseconds; default 10,000. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

interface Waiter {
  readonly offer: (event: TunneliteEvent) => void;
}

/**
 * The last events of a simulator, in memory, oldest first and bounded. Tests ask it what happened and wait for what will.
 *
 * @example
 * ```ts
 * const { fields } = await sim.journal.waitFor({ name: 'session.connect' });
 * console.log(fields.user, fields.address4);
 * ```
 */
export class Journal {
  readonly #capacity: number;
  readonly #clock: Clock;
  readonly #events: TunneliteEvent[] = [];
  readonly #waiters = new Set<Waiter>();
  #dropped = 0;

  constructor(options: { capacity: number; clock: Clock }) {
    this.#capacity = options.capacity;
    this.#clock = options.clock;
  }

  /** How many events fell out because the journal was full. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Sequence number of the newest event, 0 when there is none. */
  get last(): number {
    return this.#events.at(-1)?.seq ?? 0;
  }

  /** @internal */
  append(event: TunneliteEvent): void {
    this.#events.push(event);
    if (this.#events.length > this.#capacity) {
      // One splice each eighth of the capacity, so that a full journal costs no shift per event.
      const cut = this.#events.length - this.#capacity + (this.#capacity >> 3);
      this.#events.splice(0, cut);
      this.#dropped += cut;
    }
    for (const waiter of this.#waiters) waiter.offer(event);
  }

  /** Matching events, oldest first. */
  query<K extends EventName>(query: JournalQuery<K> = {}): TunneliteEvent<K>[] {
    return this.#events.filter((event) => matches(event, query)) as TunneliteEvent<K>[];
  }

  /**
   * The first matching event, past or future. Pass `after: journal.last` to wait for a new one.
   * @throws TunneliteError `ERR_TIMEOUT`, naming the events that did come
   */
  waitFor<K extends EventName>(query: JournalQuery<K>, options: WaitOptions = {}): Promise<TunneliteEvent<K>> {
    const past = this.#events.find((event) => matches(event, query));
    if (past) return Promise.resolve(past as TunneliteEvent<K>);
    const timeout = options.timeout ?? 10_000;
    const before = this.last;
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        this.#waiters.delete(waiter);
        timer.cancel();
        options.signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        offer: (event) => {
          if (!matches(event, query)) return;
          finish();
          resolve(event as TunneliteEvent<K>);
        },
      };
      const onAbort = (): void => {
        finish();
        reject(options.signal?.reason);
      };
      const timer = this.#clock.setTimer(timeout, () => {
        finish();
        const seen = this.#events.filter((event) => event.seq > before).map((event) => event.name);
        const wanted = [query.name ?? 'any event'].flat().join(' or ');
        reject(
          new TunneliteError(
            'ERR_TIMEOUT',
            `Waited ${timeout} ms for ${wanted}; meanwhile came: ${seen.join(', ') || 'nothing'}.`,
          ),
        );
      });
      this.#waiters.add(waiter);
      if (options.signal?.aborted) onAbort();
      else options.signal?.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function matches<K extends EventName>(event: TunneliteEvent, query: JournalQuery<K>): boolean {
  if (query.after !== undefined && event.seq <= query.after) return false;
  if (query.name !== undefined) {
    const names: readonly EventName[] = [query.name].flat();
    if (!names.includes(event.name)) return false;
  }
  if (query.fields) {
    const fields = event.fields as Record<string, unknown>;
    for (const [key, value] of Object.entries(query.fields)) {
      if (fields[key] !== value) return false;
    }
  }
  return query.where === undefined || query.where(event as TunneliteEvent<K>);
}
