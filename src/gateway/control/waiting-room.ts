/** Stage of a connection without a tunnel. */
export const Stage = {
  /** No byte was received. */
  Silent: 0,
  /** Bytes were received; the TLS handshake is not complete. */
  Heard: 1,
  Secure: 2,
  Authenticated: 3,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

/**
 * Connections without a tunnel, limited in number: when the limit is reached, a new connection replaces an unauthenticated one. The
 * one at the earliest stage goes first, and among those the one that has been there longest, so connections that make progress are not
 * displaced by idle ones.
 */
export class WaitingRoom<G> {
  readonly #capacity: number;
  readonly #stages: readonly Set<G>[] = Object.values(Stage).map(() => new Set<G>());

  /** @param capacity most connections that may wait at once */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    let size = 0;
    for (const stage of this.#stages) size += stage.size;
    return size;
  }

  /**
   * Makes space for one more connection; returns the one to close for it. `full`: all waiting connections are authenticated.
   * @param scarce a connection must be closed even below the limit, because another resource is scarce
   */
  makeRoom(scarce = false): G | 'full' | undefined {
    if (this.size < this.#capacity && !scarce) return undefined;
    for (let stage = Stage.Silent as number; stage < Stage.Authenticated; stage++) {
      for (const oldest of this.#stages[stage]!) {
        this.#stages[stage]!.delete(oldest);
        return oldest;
      }
    }
    return 'full';
  }

  enter(guest: G): void {
    this.#stages[Stage.Silent]!.add(guest);
  }

  /** Moves a connection to a later stage. Does nothing if it is already there or was removed. */
  advance(guest: G, stage: Stage): void {
    for (let before = 0; before < stage; before++) {
      if (!this.#stages[before]!.delete(guest)) continue;
      this.#stages[stage]!.add(guest);
      return;
    }
  }

  leave(guest: G): void {
    for (const stage of this.#stages) if (stage.delete(guest)) return;
  }

  *[Symbol.iterator](): IterableIterator<G> {
    for (const stage of this.#stages) yield* stage;
  }
}
