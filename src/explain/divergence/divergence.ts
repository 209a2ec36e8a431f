import type { TunneliteEvent } from '../../telemetry/index.ts';
import { differingFields, type NormalEvent } from './normal-form.ts';
import { CONTEXT, WINDOW, Window } from './window.ts';

/** One event that only one of two runs has, and the events around it. */
export interface Parting {
  readonly event: TunneliteEvent;
  readonly before: readonly TunneliteEvent[];
  readonly after: readonly TunneliteEvent[];
}

/** Events that only one run has: their name, how many more of them, and the sentence of the first. */
export interface Surplus {
  readonly name: string;
  readonly count: number;
  readonly first: TunneliteEvent;
}

/** Where two runs diverge, and which events only one of them has. */
export interface Divergence {
  /** Number of events in common, in total and before they diverge. */
  readonly common: number;
  readonly agreed: number;
  /** The first event that differs, from each run that has one at this place. Both undefined: the runs agree. */
  readonly good: Parting | undefined;
  readonly bad: Parting | undefined;
  /** Fields that differ, if both events have the same name. */
  readonly fields: readonly string[];
  readonly onlyGood: readonly Surplus[];
  readonly onlyBad: readonly Surplus[];
}

type Events = AsyncIterable<TunneliteEvent> | Iterable<TunneliteEvent>;
type Side = 'good' | 'bad';

/** Reordering tolerance in events: concurrent events can come in any order. */
const REORDERED = 64;

/** Most distinct differences to track. */
const MAX_SURPLUS = 1000;

interface Lone {
  readonly side: Side;
  readonly normal: NormalEvent;
  readonly before: readonly TunneliteEvent[];
  readonly after: TunneliteEvent[];
  /** Events in common before it, and events compared before it. */
  readonly agreed: number;
  readonly at: number;
}

/**
 * Compares a good run with a bad one. Events are equal when their names and fields are, except for values that differ in each run:
 * IDs, ports, times, durations and amounts. Tolerates slight reordering. Streams both runs: time is linear in their
 * length, and memory is bounded.
 */
export async function divergenceOf(good: Events, bad: Events): Promise<Divergence> {
  const comparison = new Comparison();
  const [first, second] = [new Window(iteratorOf(good)), new Window(iteratorOf(bad))];
  for (;;) {
    await first.fill();
    await second.fill();
    if (first.size === 0 && second.size === 0) return comparison.result();
    const [left, right] = resumption(first, second);
    for (let i = 0; i < left; i++) comparison.lone('good', first);
    for (let i = 0; i < right; i++) comparison.lone('bad', second);
    if (first.size > 0 && second.size > 0 && first.at(0)!.key === second.at(0)!.key)
      comparison.same(first.shift(), second.shift());
  }
}

function iteratorOf(events: Events): AsyncIterator<TunneliteEvent> | Iterator<TunneliteEvent> {
  return Symbol.asyncIterator in events ? events[Symbol.asyncIterator]() : events[Symbol.iterator]();
}

/**
 * Number of events to skip in each run until both have the same event, as few as possible; everything in the windows if they have nothing in
 * common. The caller skips the events that this function reads, so that all calls together are linear.
 */
function resumption(good: Window, bad: Window): readonly [good: number, bad: number] {
  let best: readonly [number, number] = [good.size, bad.size];
  let fewest = Number.POSITIVE_INFINITY;
  for (let i = 0; i < good.size && i < fewest; i++) {
    const place = bad.find(good.at(i)!.key);
    if (place === undefined || i + place >= fewest) continue;
    fewest = i + place;
    best = [i, place];
  }
  return best;
}

class Comparison {
  #common = 0;
  #looked = 0;
  /** Events that only one run has so far, oldest first; and the same by side and key. */
  readonly #waiting = new Set<Lone>();
  readonly #byKey = new Map<string, Lone[]>();
  readonly #first: { good?: Lone; bad?: Lone } = {};
  readonly #surplus = { good: new Map<string, Surplus>(), bad: new Map<string, Surplus>() };
  /** Those that are still given events after them. */
  #open: Lone[] = [];

  /** Both runs have it. */
  same(good: NormalEvent, bad: NormalEvent): void {
    this.#common++;
    this.#follow('good', good);
    this.#follow('bad', bad);
    this.#settle();
  }

  /** Only one run has it here. */
  lone(side: Side, window: Window): void {
    const before = window.before.slice(-CONTEXT).map(({ event }) => event);
    const normal = window.shift();
    this.#follow(side, normal);
    const other = `${side === 'good' ? 'bad' : 'good'} ${normal.key}`;
    const counterpart = this.#byKey.get(other)?.shift();
    if (counterpart) {
      // The other run had it earlier or later.
      this.#waiting.delete(counterpart);
      this.#common++;
    } else {
      const lone: Lone = { side, normal, before, after: [], agreed: this.#common, at: this.#looked };
      this.#waiting.add(lone);
      const key = `${side} ${normal.key}`;
      const same = this.#byKey.get(key);
      if (same) same.push(lone);
      else this.#byKey.set(key, [lone]);
      this.#open.push(lone);
    }
    this.#settle();
  }

  #follow(side: Side, { event }: NormalEvent): void {
    if (this.#open.length === 0) return;
    this.#open = this.#open.filter((lone) => {
      if (lone.side === side) lone.after.push(event);
      return lone.after.length < CONTEXT && this.#open.length < WINDOW;
    });
  }

  /** Events that waited long enough have no counterpart. */
  #settle(): void {
    this.#looked++;
    for (const lone of this.#waiting) {
      if (this.#looked - lone.at <= REORDERED) return;
      this.#give(lone);
    }
  }

  #give(lone: Lone): void {
    const { side, normal } = lone;
    this.#waiting.delete(lone);
    const key = `${side} ${normal.key}`;
    const same = this.#byKey.get(key)!.filter((one) => one !== lone);
    if (same.length > 0) this.#byKey.set(key, same);
    else this.#byKey.delete(key);
    this.#first[side] ??= lone;
    const { name } = normal.event;
    const surplus = this.#surplus[side];
    const known = surplus.get(normal.key);
    if (known) surplus.set(normal.key, { ...known, count: known.count + 1 });
    else if (surplus.size < MAX_SURPLUS) surplus.set(normal.key, { name, count: 1, first: normal.event });
  }

  result(): Divergence {
    for (const lone of [...this.#waiting]) this.#give(lone);
    const { good, bad } = this.#first;
    // The divergence is the earliest event, and its counterpart in the other run.
    const agreed = Math.min(good?.agreed ?? Infinity, bad?.agreed ?? Infinity);
    const here = (lone: Lone | undefined): Lone | undefined =>
      lone && lone.agreed - agreed <= CONTEXT ? lone : undefined;
    const [left, right] = [here(good), here(bad)];
    const alike = left && right && left.normal.event.name === right.normal.event.name;
    return {
      common: this.#common,
      agreed: agreed === Infinity ? this.#common : agreed,
      good: left && partingOf(left),
      bad: right && partingOf(right),
      fields: alike ? differingFields(left.normal, right.normal) : [],
      onlyGood: [...this.#surplus.good.values()],
      onlyBad: [...this.#surplus.bad.values()],
    };
  }
}

const partingOf = ({ normal, before, after }: Lone): Parting => ({ event: normal.event, before, after });
