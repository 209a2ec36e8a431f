import type { Clock } from '../lib/clock.ts';
import { type Emit, EVENTS, type EventLevel, type EventMap, type EventName, type TunneliteEvent } from './events.ts';
import { Journal } from './journal.ts';

/** What telemetry needs of a logger; pino fits. */
export type EventLogger = { [L in EventLevel]: (fields: object, text: string) => void } & {
  isLevelEnabled(level: string): boolean;
};

export interface TelemetryOptions {
  readonly clock: Clock;
  /** Events kept in memory. Default 10,000. */
  readonly journalCapacity?: number;
  /** Events below this level do not enter the journal. Default `debug`. */
  readonly journalLevel?: EventLevel;
  readonly logger?: EventLogger | undefined;
}

/** Called with each event, synchronously. A listener that throws is removed. */
export type EventListener = (event: TunneliteEvent) => void;

const RANK: Readonly<Record<EventLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 };

/** Feeds log, journal and listeners from the one event table. */
export class Telemetry {
  readonly journal: Journal;
  readonly #clock: Clock;
  readonly #logger: EventLogger | undefined;
  readonly #journalRank: number;
  readonly #listeners = new Set<EventListener>();
  #seq = 0;

  constructor(options: TelemetryOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#journalRank = RANK[options.journalLevel ?? 'debug'];
    this.journal = new Journal({ capacity: options.journalCapacity ?? 10_000, clock: options.clock });
  }

  /** Reports an event; bound, so that it can be handed out as the `Emit` port. */
  readonly emit: Emit = <K extends EventName>(name: K, fields: EventMap[K]): void => {
    const spec = EVENTS[name];
    const level = typeof spec.level === 'function' ? spec.level(fields) : spec.level;
    const keep = RANK[level] >= this.#journalRank;
    const log = this.#logger?.isLevelEnabled(level) ? this.#logger : undefined;
    if (!keep && !log && this.#listeners.size === 0) return;
    const text = spec.text(fields);
    const event = { seq: ++this.#seq, time: this.#clock.now(), name, level, text, fields } as TunneliteEvent;
    log?.[level]({ event: name, ...fields }, text);
    if (keep) this.journal.append(event);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  };

  /** Adds a listener; the returned function removes it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
