/** Runs tasks one at a time, in the order of the calls. A task that fails does not affect the next one. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }
}

/** Runs one at a time. All calls during a run share the next one, so that each result is from after its call. */
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
