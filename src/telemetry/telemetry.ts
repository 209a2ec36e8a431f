import type { Clock } from '../lib/clock.ts';
import { DEFAULTS } from '../lib/defaults.ts';
import { printable, printableFields } from '../lib/printable.ts';
import {
  type Emit,
  EVENTS,
  type EventLevel,
  type EventMap,
  type EventName,
  LEVEL_RANK,
  type TunneliteEvent,
} from './events.ts';
import { Journal } from './journal.ts';

/** The logger interface that telemetry needs; pino implements it. */
export type EventLogger = { [L in EventLevel]: (fields: object, text: string) => void } & {
  isLevelEnabled(level: string): boolean;
};

interface TelemetryOptions {
  readonly clock: Clock;
  /** Events kept in memory. Default 10,000. */
  readonly journalCapacity?: number;
  /** Events below this level are not stored in the journal. Default `debug`. */
  readonly journalLevel?: EventLevel;
  /** Called with each event stored in the journal. */
  readonly journalSink?: ((event: TunneliteEvent) => void) | undefined;
  readonly logger?: EventLogger | undefined;
  /** Called with each event of any level, before all other processing. */
  readonly count?: Emit | undefined;
}

/** Called with each event, synchronously. A listener that throws is removed. */
export type EventListener = (event: TunneliteEvent) => void;

/**
 * Feeds log, journal and listeners from the event table. External input cannot forge log lines: event texts and everything written
 * to the log contain only printable characters. Fields in the journal are unchanged.
 */
export class Telemetry {
  readonly journal: Journal;
  readonly #clock: Clock;
  readonly #logger: EventLogger | undefined;
  #journalRank: number;
  readonly #journalSink: ((event: TunneliteEvent) => void) | undefined;
  readonly #count: Emit | undefined;
  readonly #listeners = new Set<EventListener>();
  #seq = 0;
  /** Reports an event; bound, so it can be passed as the `Emit` port. */
  readonly emit: Emit;

  constructor(options: TelemetryOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#journalRank = LEVEL_RANK[options.journalLevel ?? DEFAULTS.journal.level];
    this.#journalSink = options.journalSink;
    this.#count = options.count;
    this.journal = new Journal({ capacity: options.journalCapacity ?? DEFAULTS.journal.capacity });
    const report: Emit = (name, fields) => this.#report(name, fields);
    this.emit = Object.assign(report, { wanted: (level: EventLevel) => this.#wanted(level) });
  }

  #report<K extends EventName>(name: K, fields: EventMap[K]): void {
    this.#count?.(name, fields);
    const spec = EVENTS[name];
    const level = typeof spec.level === 'function' ? spec.level(fields) : spec.level;
    if (!this.#wanted(level)) return;
    const keep = LEVEL_RANK[level] >= this.#journalRank;
    const log = this.#logger?.isLevelEnabled(level) ? this.#logger : undefined;
    const text = printable(spec.text(fields));
    const event = { seq: ++this.#seq, time: this.#clock.now(), name, level, text, fields } as TunneliteEvent;
    log?.[level]({ event: name, ...printableFields(fields) }, text);
    if (keep) {
      this.journal.append(event);
      this.#journalSink?.(event);
    }
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch {
        this.#listeners.delete(listener);
      }
    }
  }

  #wanted(level: EventLevel): boolean {
    return (
      LEVEL_RANK[level] >= this.#journalRank ||
      this.#listeners.size > 0 ||
      (this.#logger?.isLevelEnabled(level) ?? false)
    );
  }

  /** Changes the lowest level of events stored in the journal. */
  useJournalLevel(level: EventLevel): void {
    this.#journalRank = LEVEL_RANK[level];
  }

  /** Adds a listener; the returned function removes it. */
  subscribe(listener: EventListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
