import { errorText, TunneliteError } from '../lib/errors.ts';

/** Resets a part of the simulator to its initial state. */
export type ResetHook = () => void | Promise<void>;

/** The parts to reset, in the order in which they were added. */
export class Resets {
  readonly #hooks = new Map<symbol, { readonly name: string; readonly hook: ResetHook }>();

  /**
   * Adds a part.
   * @param name the name of the part in error messages
   * @returns a function that removes the part
   */
  add(name: string, hook: ResetHook): () => void {
    const key = Symbol(name);
    this.#hooks.set(key, { name, hook });
    return () => void this.#hooks.delete(key);
  }

  /**
   * Resets all parts, one after the other; a failing part does not prevent the others from being reset.
   * @throws TunneliteError `ERR_SIMULATOR_RESET` naming the parts that failed
   */
  async run(): Promise<void> {
    const failed: { readonly name: string; readonly error: unknown }[] = [];
    for (const { name, hook } of [...this.#hooks.values()]) {
      try {
        await hook();
      } catch (error) {
        failed.push({ name, error });
      }
    }
    if (failed.length === 0) return;
    const parts = failed.map(({ name, error }) => `${name} (${errorText(error)})`).join(', ');
    throw new TunneliteError('ERR_SIMULATOR_RESET', `Not everything could be reset: ${parts}.`, {
      cause: failed[0]!.error,
      details: { parts: failed.map(({ name }) => name) },
    });
  }
}
