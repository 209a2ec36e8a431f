/** Processes as Linux shows them in /proc: who is below whom, their threads' CPU time, their memory. */
import { readdirSync, readFileSync } from 'node:fs';

/** A file of /proc, or undefined when the process has ended meanwhile. */
function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

/** A process and all below it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of list('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const stat = read(`/proc/${entry}/stat`);
    if (stat === undefined) continue;
    const parent = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(entry)]);
  }
  const below = (id: number): number[] => [id, ...(children.get(id) ?? []).flatMap(below)];
  return below(root);
}

/** Nanoseconds that each thread of a process has run, by its id. */
export function threadTimes(pid: number): Map<number, number> {
  const times = new Map<number, number>();
  for (const thread of list(`/proc/${pid}/task`)) {
    const text = read(`/proc/${pid}/task/${thread}/schedstat`);
    if (text !== undefined) times.set(Number(thread), Number(text.split(' ')[0]));
  }
  return times;
}

/** Seconds that the main thread of a process has run. */
export function mainThreadSeconds(pid: number): number {
  return (threadTimes(pid).get(pid) ?? Number.NaN) / 1e9;
}

/** Bytes. */
export interface Memory {
  readonly rss: number;
  /** Proportional set size: a page that several processes share counts in parts. */
  readonly pss: number;
}

/** Memory of a process and all below it. */
export function memoryOf(root: number): Memory {
  let rss = 0;
  let pss = 0;
  for (const id of processTree(root)) {
    const text = read(`/proc/${id}/smaps_rollup`) ?? '';
    rss += Number(/^Rss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
    pss += Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) * 1024;
  }
  return { rss, pss };
}

/** How many files a process may open at most (`ulimit -Hn`). */
export function openFilesLimit(): number {
  const text = /^Max open files\s+\S+\s+(\S+)/m.exec(read('/proc/self/limits') ?? '')?.[1];
  return text === 'unlimited' ? Number.POSITIVE_INFINITY : Number(text ?? Number.NaN);
}
