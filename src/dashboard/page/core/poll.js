import { IS_REPORT } from './report.js';
import { Store } from './store.js';

/** An answer that took the instance long is asked for more seldom: this many times as long is waited. */
const RESPITE = 100;

/**
 * Something that is asked for again and again while somebody looks: not in a tab that is hidden, and not more often than the instance bears. Of a
 * report it is asked for once.
 * @template T
 */
export class Poll extends Store {
  /** @param {() => Promise<T>} ask @param {number} interval milliseconds */
  constructor(ask, interval) {
    super();
    this.ask = ask;
    this.interval = interval;
    /** @type {T | undefined} */
    this.value = undefined;
    /** @type {Error | undefined} */
    this.error = undefined;
    /** Milliseconds that the last answer took. */
    this.cost = 0;
    /** When it was asked for last. */
    this.at = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    /** @type {Promise<void> | undefined} the question that is on its way */
    this.running = undefined;
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden && this.watchers.size > 0 && !this.settled) this.schedule(0);
    });
  }

  /** Whether no answer to come can be another one. */
  get settled() {
    return IS_REPORT && (this.value !== undefined || this.error !== undefined);
  }

  /** @param {() => void} watcher */
  watch(watcher) {
    const end = super.watch(watcher);
    if (this.watchers.size === 1 && !this.settled) this.schedule(this.value === undefined ? 0 : this.rest());
    return () => {
      end();
      if (this.watchers.size === 0) clearTimeout(this.timer);
    };
  }

  /** Milliseconds until it may be asked for again. */
  rest() {
    return Math.max(0, Math.max(this.interval, this.cost * RESPITE) - (performance.now() - this.at));
  }

  /** Something happened that the next answer tells of: ask soon. */
  poke() {
    if (this.watchers.size > 0) this.schedule(Math.min(this.rest(), Math.max(150, this.cost * 20)));
  }

  /** @param {number} delay */
  schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.now(), delay);
  }

  /** Asks now. An answer that is on its way may be older than what the caller knows of: another one is asked for after it. */
  async now() {
    if (this.running) await this.running;
    // What somebody else has begun to ask meanwhile will do.
    this.running ??= this.once().finally(() => {
      this.running = undefined;
    });
    await this.running;
  }

  async once() {
    if (document.hidden) return;
    const began = performance.now();
    try {
      this.value = await this.ask();
      this.error = undefined;
    } catch (error) {
      this.error = /** @type {Error} */ (error);
    }
    this.cost = performance.now() - began;
    this.at = performance.now();
    this.changed(0);
    if (this.watchers.size > 0 && !this.settled) this.schedule(this.rest());
  }
}
