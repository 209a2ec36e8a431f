/** Observable state for parts of the page: notifies observers of changes, at most a few times a second. */
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
      for (const watcher of [...this.watchers]) watcher();
    }, within);
  }
}
