/** Milliseconds until the start, one try after the other. */
const WAITS = [8_000, 25_000, 90_000];

/**
 * Has several workers of a load test begin at one time. A machine that takes longer to start them all gets more time.
 *
 * @param run starts them with that time, and tells what each has printed when all have ended
 */
export async function atOnce<T extends { readonly err: string }>(
  run: (startAt: string) => Promise<readonly T[]>,
): Promise<{ readonly startAt: string; readonly ended: readonly T[] }> {
  for (const wait of WAITS) {
    const startAt = new Date(Date.now() + wait).toISOString();
    const ended = await run(startAt);
    if (wait === WAITS.at(-1) || !ended.some(({ err }) => /the other workers have started/.test(err)))
      return { startAt, ended };
  }
  throw new Error('no worker was started');
}
