import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { ProcessUsage } from '../admin/index.ts';

const GRAIN_MS = 10;

/** Reads the resource usage of this process. Monitors the event loop from the first reading on: that costs a timer. */
export function processUsage(): () => ProcessUsage {
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return () => {
    const { user, system } = process.cpuUsage();
    const beyond = (nanoseconds: number | undefined): number => Math.max(0, (nanoseconds ?? 0) / 1e6 - GRAIN_MS);
    const loopDelay = { p99: beyond(delay?.percentile(99)), max: beyond(delay?.max) };
    if (delay) delay.reset();
    else {
      delay = monitorEventLoopDelay({ resolution: GRAIN_MS });
      delay.enable();
    }
    return { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss(), loopDelay };
  };
}
