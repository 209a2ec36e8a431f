/**
 * Waits for something that does not support the signal.
 * @throws the rejection of `wait`, or the reason of `signal`
 */
export async function unlessAborted<T>(wait: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return wait;
  if (signal.aborted) {
    // Nobody waits for the result any more.
    Promise.resolve(wait).catch(() => {});
    throw signal.reason;
  }
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([wait, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
