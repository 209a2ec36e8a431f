/** Methods of lists that look at their elements one after the other, for as long as a function says. */
const ASKING = ['find', 'findIndex', 'findLast', 'some', 'every'] as const;
/** Methods that look for an element, or add one. */
const PLAIN = ['indexOf', 'includes', 'push'] as const;

/**
 * Runs code and counts the elements that it looks at in lists, looks for, or adds: a measure of cost that does not depend on the
 * machine. What the code throws is what it found.
 */
export function countArrayWork(run: () => unknown): number {
  let work = 0;
  const list = Array.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
  const natives = [...ASKING, ...PLAIN].map((name) => [name, list[name]!] as const);
  for (const [name, native] of natives) {
    const asks = (ASKING as readonly string[]).includes(name);
    list[name] = function (this: unknown[], ...args: unknown[]) {
      if (!asks) {
        const result = native.apply(this, args);
        work +=
          name === 'push' ? args.length : name === 'indexOf' && Number(result) >= 0 ? Number(result) + 1 : this.length;
        return result;
      }
      const [ask, ...rest] = args as [(...args: unknown[]) => unknown, ...unknown[]];
      const counted = function (this: unknown, ...args: unknown[]): unknown {
        work++;
        return ask.apply(this, args);
      };
      return native.apply(this, [counted, ...rest]);
    };
  }
  try {
    run();
  } catch (error) {
    // The engine itself gives up: a stack or a string without end.
    if (error instanceof RangeError) throw error;
  } finally {
    Object.assign(Array.prototype, Object.fromEntries(natives));
  }
  return work;
}
