/** Runs pieces of work one after the other, in the order in which they were asked for. One that fails keeps none from its turn. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/**
 * Runs one at a time: who asks while one is under way shares the next with all others who do, so that what each is told is true
 * at a time after it asked.
 */
export function shared<T>(work: () => Promise<T>): () => Promise<T> {
  const turns = new Turns();
  let next: Promise<T> | undefined;
  return () => {
    next ??= turns.run(() => {
      next = undefined;
      return work();
    });
    return next;
  };
}
