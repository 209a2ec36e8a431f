/** Stores that changed while the page was hidden, with what they do when it is shown again. @type {Set<() => void> | undefined} */
let unseen;

/** Runs when the page is visible: now, or when it is shown again. @param {() => void} fn one function for each store, so that it runs once */
function whenVisible(fn) {
  if (!globalThis.document?.hidden) return fn();
  if (unseen === undefined) {
    /** @type {Set<() => void>} */
    const waiting = new Set();
    unseen = waiting;
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) return;
      for (const one of waiting) one();
      waiting.clear();
    });
  }
  unseen.add(fn);
}

/** Observable state for parts of the page: notifies observers of changes, at most a few times a second, and only while the page is visible. */
export class Store {
  constructor() {
    /** @type {Set<() => void>} */
    this.watchers = new Set();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.pending = undefined;
  }

  /** @param {() => void} watcher @returns {() => void} ends it */
  watch(watcher) {
    this.watchers.add(watcher);
    return () => this.watchers.delete(watcher);
  }

  /** @param {number} [within] milliseconds */
  changed(within = 120) {
    this.pending ??= setTimeout(() => {
      this.pending = undefined;
      whenVisible(this.notify);
    }, within);
  }

  notify = () => {
    for (const watcher of [...this.watchers]) watcher();
  };
}
