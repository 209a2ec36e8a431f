import { readdirSync, readFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { GatewayProbe, UsageReading } from '../engine/types.ts';

const LOOP_GRAIN_MS = 10;
/** Of /proc/<pid>/stat (proc(5)): clock ticks per second are 100 wherever Node runs. */
const TICKS = 100;
const PAGE_BYTES = 4096;

/** Resource usage of this process, including the event loop. */
export function ownUsage(): () => UsageReading {
  const delay = monitorEventLoopDelay({ resolution: LOOP_GRAIN_MS });
  delay.enable();
  return () => {
    const { user, system } = process.cpuUsage();
    // The timer itself has a granularity; anything beyond that is delay.
    const beyond = (nanoseconds: number): number => Math.max(0, nanoseconds / 1e6 - LOOP_GRAIN_MS);
    const loopDelay = { p99: beyond(delay.percentile(99)), max: beyond(delay.max) };
    delay.reset();
    return { cpu: (user + system) / 1e6, rss: process.memoryUsage.rss(), loopDelay };
  };
}

interface ProcessStat {
  readonly parent: number;
  /** Ticks, including those of children that have ended. */
  readonly ticks: number;
  readonly pages: number;
}

function statOf(pid: string | number): ProcessStat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The name, in parentheses, may contain spaces.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = 0] = fields;
    return { parent, ticks: fields.slice(11, 15).reduce((a, b) => a + b, 0), pages: fields[21] ?? 0 };
  } catch {
    return undefined;
  }
}

/** Resource usage of a process of this machine and all its descendants, from /proc; undefined on systems without it. */
export function pidProbe(pid: number): GatewayProbe {
  const read = (): UsageReading | undefined => {
    const own = statOf(pid);
    if (!own) return undefined;
    const all = new Map<number, ProcessStat>();
    for (const entry of readdirSync('/proc')) {
      if (!/^\d+$/.test(entry)) continue;
      const stat = statOf(entry);
      if (stat) all.set(Number(entry), stat);
    }
    const below = new Map<number, number[]>();
    for (const [id, { parent }] of all) below.set(parent, [...(below.get(parent) ?? []), id]);
    let ticks = own.ticks;
    let pages = own.pages;
    const waiting = [...(below.get(pid) ?? [])];
    for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
      ticks += all.get(id)!.ticks;
      pages += all.get(id)!.pages;
      waiting.push(...(below.get(id) ?? []));
    }
    return { cpu: ticks / TICKS, rss: pages * PAGE_BYTES };
  };
  return { source: 'pid', read: async () => read() };
}
