import type { Clock, Timer } from '../lib/clock.ts';
import { LATE_MS } from '../lib/late-tick.ts';
import type { Netstack } from './core/types.ts';

/** Keeps a stack's time. */
export interface NetstackDriver extends Disposable {
  /** Advances the stack's time to now. Call it before each batch of input instead of the stack's own `tick`. */
  tick(): void;
  /** Stops the driver; the stack stays open. */
  stop(): void;
}

/**
 * Calls `tick` of `stack` when needed, using timers of `clock`. Data written outside of a batch is sent in a microtask.
 *
 * A stack draws conclusions from silence: a segment was lost, a peer is gone, a mapping is idle. When the process was stopped or its
 * event loop blocked, deadlines pass before the packets received in the meantime are read. Such time therefore does not count: if a
 * deadline is late, the stack's clock continues from shortly before it, once, so that pending packets are read first.
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
  /** Milliseconds of the clock that do not count as time of the stack. */
  let lost = 0;
  /** The last postponed deadline. Each is postponed only once: on a machine that is always late, time must still pass. */
  let excused = -Infinity;

  /** The stack's time at the last tick. It never goes back, but may stand still. */
  let ticked = -Infinity;
  const stackTime = (): number => Math.max(ticked, clock.monotonic() - lost);
  const tick = (): void => {
    const deadline = stack.nextTimer;
    const late = stackTime() - deadline;
    if (late >= LATE_MS && deadline !== excused) {
      excused = deadline;
      lost += late + LATE_MS;
    }
    ticked = stackTime();
    // What is due by the clock is due, even if subtracting `lost` loses the last bit of precision.
    if (deadline > ticked && deadline + lost <= clock.monotonic()) ticked = deadline;
    stack.tick(ticked);
  };

  const run = (): void => {
    queued = false;
    if (stopped) return;
    try {
      tick();
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
    const at = stack.nextDeadline + lost;
    if (at >= armedFor) return;
    timer?.cancel();
    armedFor = at;
    timer = clock.setTimer(Math.max(0, at - clock.monotonic()), fire);
  };

  stack.onDeadline = () => {
    if (stopped || queued) return;
    if (stack.nextDeadline <= stackTime()) {
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
  return { tick, stop, [Symbol.dispose]: stop };
}
