import type { TunneliteEvent } from '../../telemetry/index.ts';
import { type NormalEvent, Normalizer } from './normal-form.ts';

/** Window size: events of one run that are compared at the same time. */
export const WINDOW = 4096;

type Source = AsyncIterator<TunneliteEvent> | Iterator<TunneliteEvent>;

/** The next events of one run, at most {@link WINDOW}, with an index of their keys. */
export class Window {
  readonly #source: Source;
  readonly #normalizer = new Normalizer();
  #events: NormalEvent[] = [];
  /** Index of the first in `#events`; earlier ones are consumed. */
  #first = 0;
  /** Positions by key, in order, counted from the start of the run. */
  readonly #places = new Map<string, number[]>();
  /** Number of consumed events. */
  #gone = 0;
  #ended = false;
  /** Preceding events, for context. */
  readonly before: NormalEvent[] = [];

  constructor(source: Source) {
    this.#source = source;
  }

  get size(): number {
    return this.#events.length - this.#first;
  }

  at(index: number): NormalEvent | undefined {
    return this.#events[this.#first + index];
  }

  /** Distance to the next event with this key; undefined when the window has none. */
  find(key: string): number | undefined {
    const place = this.#places.get(key)?.[0];
    return place === undefined ? undefined : place - this.#gone;
  }

  /** Reads until the window is full or the run ends. */
  async fill(): Promise<void> {
    while (!this.#ended && this.size < WINDOW) {
      const next = await this.#source.next();
      if (next.done === true) {
        this.#ended = true;
        return;
      }
      const normal = this.#normalizer.normal(next.value);
      if (!normal) continue;
      const places = this.#places.get(normal.key);
      const place = this.#gone + this.size;
      if (places) places.push(place);
      else this.#places.set(normal.key, [place]);
      this.#events.push(normal);
    }
  }

  /** Takes the first. */
  shift(): NormalEvent {
    const event = this.#events[this.#first++]!;
    this.#gone++;
    const places = this.#places.get(event.key)!;
    if (places.length === 1) this.#places.delete(event.key);
    else places.shift();
    if (this.#first === WINDOW) {
      this.#events = this.#events.slice(this.#first);
      this.#first = 0;
    }
    this.before.push(event);
    if (this.before.length > CONTEXT + 1) this.before.shift();
    return event;
  }
}

/** Number of events to show before and after. */
export const CONTEXT = 3;
