/** How far a connection without a tunnel has come. */
export const Stage = {
  /** Not a byte came. */
  Silent: 0,
  /** Something came; the TLS handshake is not complete. */
  Heard: 1,
  Secure: 2,
  Authenticated: 3,
} as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

/**
 * Connections without a tunnel. The room has an end: who comes when it is full takes the place of one that has not authenticated. Of
 * these, whoever has come least far goes first, and of several the one that has stood there longest: who comes and goes on at once is
 * not pushed out by those who come and stay.
 */
export class WaitingRoom<G> {
  readonly #capacity: number;
  readonly #stages: readonly Set<G>[] = Object.values(Stage).map(() => new Set<G>());

  /** @param capacity how many may wait at once */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    let size = 0;
    for (const stage of this.#stages) size += stage.size;
    return size;
  }

  /**
   * Makes room for one more; returns who has to leave for it. `full`: everybody who waits has authenticated.
   * @param scarce somebody has to leave even though there is room, for want of something else
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

  /** The guest has come further. Harmless for one that is there already, or has left. */
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
