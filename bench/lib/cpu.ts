/**
 * CPU time of servers, short-lived processes included.
 *
 * `/proc/<pid>/stat` counts in ticks of 10 ms, by looking who runs when the clock strikes: a worker that lives for 3 ms reads as
 * nothing, and ocserv's login is made of such workers. So the processes are put into a control group of their own: the kernel adds up the
 * nanoseconds that its members have run, and those that have ended stay counted. Both versions of control groups will do, without any
 * controller switched on. That needs root. Without it (or where /sys/fs/cgroup is read-only, as in many containers) the run times of
 * all threads are added up from `schedstat`, exact to the nanosecond too, but what a process ran after it was last looked at is lost with
 * it: they are looked at every 5 ms, and a line says so.
 */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processTree, threadTimes } from './processes.ts';

export interface CpuMeter {
  /** `cgroup`: exact. `schedstat`: processes that live shorter than a few milliseconds are missed. */
  readonly source: 'cgroup' | 'schedstat';
  /** CPU seconds, user and system, that the processes and all that they started have used since the meter was made. */
  seconds(): number;
  /** Once the processes have ended. */
  close(): void;
}

/** Folders to try for groups, and how their use is read, in nanoseconds. */
function hierarchies(): { readonly folder: string; readonly nanoseconds: (group: string) => number }[] {
  const mounts = readFileSync('/proc/self/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '));
  const number = (path: string, pattern: RegExp): number => Number(pattern.exec(readFileSync(path, 'utf8'))?.[1]);
  return [
    ...mounts
      .filter(([, , type]) => type === 'cgroup2')
      .map(([, folder = '']) => ({
        folder,
        nanoseconds: (group: string) => 1000 * number(join(group, 'cpu.stat'), /^usage_usec (\d+)/m),
      })),
    ...mounts
      .filter(([, , type, options]) => type === 'cgroup' && options?.split(',').includes('cpuacct'))
      .map(([, folder = '']) => ({
        folder,
        nanoseconds: (group: string) => number(join(group, 'cpuacct.usage'), /^(\d+)/),
      })),
  ];
}

let groups = 0;

function groupMeter(roots: readonly number[]): CpuMeter | undefined {
  for (const { folder, nanoseconds } of hierarchies()) {
    const group = join(folder, `tunnelite-bench-${process.pid}-${groups++}`);
    const close = (): void => {
      try {
        rmdirSync(group);
      } catch {
        // A member still runs: an empty group that stays does no harm.
      }
    };
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      const before = nanoseconds(group);
      if (Number.isNaN(before)) throw new Error(`No CPU time in ${group}.`);
      for (const id of roots.flatMap(processTree)) writeFileSync(join(group, 'cgroup.procs'), String(id));
      return { source: 'cgroup', seconds: () => (nanoseconds(group) - before) / 1e9, close };
    } catch {
      close();
    }
  }
  return undefined;
}

const LOOK_EVERY_MS = 5;

function sampledMeter(roots: readonly number[]): CpuMeter {
  const last = new Map<number, number>();
  const look = (): number => {
    for (const id of roots.flatMap(processTree))
      for (const [thread, time] of threadTimes(id)) last.set(thread, Math.max(time, last.get(thread) ?? 0));
    return [...last.values()].reduce((sum, time) => sum + time, 0) / 1e9;
  };
  const before = look();
  if (last.size === 0)
    throw new Error(
      'CPU time of other processes is read from /proc/<pid>/task/*/schedstat: run this benchmark on Linux.',
    );
  const timer = setInterval(look, LOOK_EVERY_MS).unref();
  return { source: 'schedstat', seconds: () => look() - before, close: () => clearInterval(timer) };
}

/** CPU seconds, user and system, of all threads of this process since its start, to the microsecond; nothing of its children. */
export function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** CPU microseconds of this thread, to a few milliseconds: Linux brings the count up to date when the clock ticks. For what takes longer. */
export function threadMicroseconds(): number {
  const { user, system } = process.threadCpuUsage?.() ?? process.cpuUsage();
  return user + system;
}

let told = false;

/** Measures these processes and all below them, from now on. `sampled` asks for the way that needs no root. */
export function cpuMeter(roots: readonly number[], { sampled = false } = {}): CpuMeter {
  const meter = (sampled ? undefined : groupMeter(roots)) ?? sampledMeter(roots);
  if (meter.source === 'schedstat' && !sampled && !told) {
    told = true;
    console.log(
      'No control group could be made (that needs root and a writable /sys/fs/cgroup): CPU of processes that live shorter than 5 ms is missed.',
    );
  }
  return meter;
}
