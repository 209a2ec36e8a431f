import { errorText, TunneliteError } from '../lib/errors.ts';

/** Puts a part of the simulator back to how it was at the start. */
export type ResetHook = () => void | Promise<void>;

/** What is put back at a reset, in the order in which it was added. */
export class Resets {
  readonly #hooks = new Map<symbol, { readonly name: string; readonly hook: ResetHook }>();

  /**
   * Adds a part.
   * @param name what it is called where it fails
   * @returns takes it out again
   */
  add(name: string, hook: ResetHook): () => void {
    const key = Symbol(name);
    this.#hooks.set(key, { name, hook });
    return () => void this.#hooks.delete(key);
  }

  /**
   * Puts everything back, one after the other; a part that fails does not keep the others from it.
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
