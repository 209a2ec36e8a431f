/**
 * Like `Promise.all`, but a failure waits for the others: nothing that was begun is still at work when the caller cleans up.
 *
 * @throws the first rejection in the order of the promises
 */
export async function allEnded<const T extends readonly unknown[]>(
  promises: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}
