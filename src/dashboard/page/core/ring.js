/**
 * The last items of an endless list: oldest first, bounded. Drops the oldest eighth at once, so that
 * appending stays cheap.
 * @template T
 */
export class Ring {
  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
    /** @type {T[]} */
    this.items = [];
    this.dropped = 0;
  }

  /** @param {readonly T[]} more */
  push(more) {
    const { items, capacity } = this;
    for (const item of more) items.push(item);
    if (items.length <= capacity) return;
    const cut = Math.min(items.length, items.length - capacity + (capacity >> 3));
    items.splice(0, cut);
    this.dropped += cut;
  }

  /** Puts older ones in front, as many as fit. @param {readonly T[]} older */
  unshift(older) {
    const room = Math.max(0, this.capacity - this.items.length);
    if (room === 0 || older.length === 0) return;
    this.items = [...older.slice(-room), ...this.items];
  }

  clear() {
    this.items = [];
    this.dropped = 0;
  }
}
