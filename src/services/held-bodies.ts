/**
 * Request bodies that are held in memory until they are whole: their bytes, for all sessions and for each. A session never has more than half
 * of what the others leave, so that one with many slow uploads keeps nobody from a small one.
 */
export class HeldBodies {
  readonly limit: number;
  readonly #sessions = new Map<string | undefined, number>();
  #held = 0;

  /** @param limit bytes of all bodies */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes held at present. */
  get held(): number {
    return this.#held;
  }

  /** Counts more bytes of a session. False: it has its share, and nothing was counted. */
  take(session: string | undefined, bytes: number): boolean {
    const own = this.#sessions.get(session) ?? 0;
    const others = this.#held - own;
    if (own + bytes > (this.limit - others) / 2) return false;
    this.#held += bytes;
    this.#sessions.set(session, own + bytes);
    return true;
  }

  /** Counts fewer bytes of a session, which were taken before. */
  release(session: string | undefined, bytes: number): void {
    const left = (this.#sessions.get(session) ?? 0) - bytes;
    this.#held -= bytes;
    if (left > 0) this.#sessions.set(session, left);
    else this.#sessions.delete(session);
  }
}
