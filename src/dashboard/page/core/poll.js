import { IS_REPORT } from './report.js';
import { Store } from './store.js';

/** Expensive responses are requested less often: the pause is this many times what the last one cost the instance. */
const RESPITE = 100;

/**
 * Polls while a view is visible: not in a hidden tab, and no more often than the instance can handle. For a
 * report, it sends one request.
 * @template T
 */
export class Poll extends Store {
  /** @param {(cost: import('./api.js').Cost) => Promise<T>} ask adds to the cost what it costs the instance @param {number} usual milliseconds between two requests, for watchers that name no other interval */
  constructor(ask, usual) {
    super();
    this.ask = ask;
    this.usual = usual;
    /** @type {Map<() => void, number>} the interval of each watcher */
    this.intervals = new Map();
    /** @type {T | undefined} */
    this.value = undefined;
    /** @type {Error | undefined} */
    this.error = undefined;
    /** What the last response cost the instance, in milliseconds. */
    this.cost = 0;
    /** Time of the last request. */
    this.at = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Promise<void> | undefined} the question that is on its way */
    this.running = undefined;
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.watchers.size > 0 && !this.settled) this.schedule(0);
    });
  }

  /** Whether all later responses will be the same. */
  get settled() {
    return IS_REPORT && (this.value !== undefined || this.error !== undefined);
  }

  /** Milliseconds between two requests: as often as the watcher in the greatest hurry needs it. */
  get interval() {
    return Math.min(...this.intervals.values());
  }

  /** @param {() => void} watcher @param {number} [interval] how often it needs a new response, in milliseconds */
  watch(watcher, interval = this.usual) {
    const end = super.watch(watcher);
    const faster = !(this.interval <= interval);
    this.intervals.set(watcher, interval);
    if (faster && !this.settled) this.schedule(this.value === undefined ? 0 : this.rest());
    return () => {
      end();
      this.intervals.delete(watcher);
      if (this.watchers.size === 0) clearTimeout(this.timer);
    };
  }

  /** Milliseconds until the next request is allowed. */
  rest() {
    return Math.max(0, Math.max(this.interval, this.cost * RESPITE) - (performance.now() - this.at));
  }

  /** An event makes the next response different: requests it soon. */
  poke() {
    if (this.watchers.size > 0) this.schedule(Math.min(this.rest(), Math.max(150, this.cost * 20)));
  }

  /** @param {number} delay */
  schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), delay);
  }

  /** Requests now. A response already in progress may be outdated: sends another request after it. */
  async now() {
    if (this.running) await this.running;
    // A request that another caller started in the meantime is sufficient.
    this.running ??= this.once().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  async once() {
    if (document.hidden) return;
    const cost = { milliseconds: 0 };
    try {
      this.value = await this.ask(cost);
      this.error = undefined;
    } catch (error) {
      this.error = /** @type {Error} */ (error);
    }
    this.cost = cost.milliseconds;
    this.at = performance.now();
    this.changed(0);
    if (this.watchers.size > 0 && !this.settled) this.schedule(this.rest());
  }
}
