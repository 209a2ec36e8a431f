import type { Clock, Timer } from '../lib/clock.ts';
import type { Netstack } from './types.ts';

/** Keeps a stack's time. */
export interface NetstackDriver extends Disposable {
  /** Stops driving; the stack itself stays open. */
  stop(): void;
}

/**
 * Ticks `stack` when it needs it, by timers of `clock`. What owners write outside of a batch goes out in a microtask.
 *
 * @example
 * ```ts
 * const stack = createNetstack({ output, random: systemRandom, now: systemClock.monotonic() });
 * const driver = driveNetstack(stack, systemClock);
 * ```
 */
export function driveNetstack(stack: Netstack, clock: Clock): NetstackDriver {
  let timer: Timer | undefined;
  let armedFor = Infinity;
  let queued = false;
  let stopped = false;

  const run = (): void => {
    queued = false;
    if (stopped) return;
    try {
      stack.tick(clock.monotonic());
      stack.flush();
    } finally {
      arm();
    }
  };
  const fire = (): void => {
    timer = undefined;
    armedFor = Infinity;
    run();
  };
  const arm = (): void => {
    if (stopped || queued) return;
    const at = stack.nextDeadline;
    if (at >= armedFor) return;
    const wait = at - clock.monotonic();
    timer?.cancel();
    armedFor = at;
    timer = clock.setTimer(Math.max(0, wait), fire);
  };

  stack.onDeadline = () => {
    if (stopped || queued) return;
    if (stack.nextDeadline <= clock.monotonic()) {
      queued = true;
      queueMicrotask(run);
    } else {
      arm();
    }
  };
  arm();

  const stop = (): void => {
    stopped = true;
    timer?.cancel();
    stack.onDeadline = undefined;
  };
  return { stop, [Symbol.dispose]: stop };
}
