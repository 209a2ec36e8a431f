import { TunneliteError } from './errors.ts';

/** An object that is closed once; closing it again returns the same promise. */
export interface Closable extends AsyncDisposable {
  close(): Promise<void>;
}

/**
 * Collects opened resources and closes them in reverse order. If closing one fails, the others are still closed: the first
 * failure is thrown at the end, with the rest in its details.
 */
export class CloseStack implements Closable {
  readonly #steps: (() => void | Promise<void>)[] = [];
  #closing: Promise<void> | undefined;

  get closed(): boolean {
    return this.#closing !== undefined;
  }

  /** Registers a step; returns nothing so that it reads as a statement. */
  defer(step: () => void | Promise<void>): void {
    if (this.#closing) throw new TunneliteError('ERR_CLOSED');
    this.#steps.push(step);
  }

  /** Registers a closable object and returns it. */
  use<T extends Closable>(thing: T): T {
    this.defer(() => thing.close());
    return thing;
  }

  close(): Promise<void> {
    this.#closing ??= this.#run();
    return this.#closing;
  }

  async #run(): Promise<void> {
    const failures: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        failures.push(error);
      }
    }
    if (failures.length > 0) {
      throw failures.length === 1 ? failures[0] : new AggregateError(failures, 'Several resources failed to close.');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
