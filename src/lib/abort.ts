/**
 * Waits for something that knows nothing of the signal.
 * @throws what `wait` rejects with, or the reason of `signal`
 */
export async function unlessAborted<T>(wait: T | Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return wait;
  if (signal.aborted) {
    // Whatever it comes to is nobody's business any more.
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
