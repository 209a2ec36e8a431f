import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** How a test file ended. */
export interface TestEnd {
  readonly outcome: 'passed' | 'failed' | 'timed out';
  /** Milliseconds that it took. */
  readonly took: number;
  /** The first assertion that failed, or the end of what it wrote when none did. */
  readonly because: string;
}

export interface TestRun {
  /** The tree to run it in, and the file's path in it. */
  readonly root: string;
  readonly test: string;
  /** Milliseconds after which it is ended. */
  readonly limit: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Milliseconds that an ended test has to put away what it made, such as network namespaces, before it is killed. */
const GRACE = 3000;
const KEPT = 200_000;

/** Process groups of the tests that run. */
const running = new Set<number>();

function signal(group: number, name: NodeJS.Signals): void {
  try {
    process.kill(-group, name);
  } catch {
    // It has ended.
  }
}

/** Ends all tests that run, for a program that is interrupted. */
export function endTests(): void {
  for (const group of running) signal(group, 'SIGTERM');
}

function reasonIn(output: string): string {
  const failed = output
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('not ok '));
  return failed[0]?.replace(/^not ok \d+ - /, '') ?? output.trim().split('\n').at(-1) ?? '';
}

/** Runs one test file to its end, its first failed assertion, or the limit; nothing that it started outlives it. */
export async function runTest({ root, test, limit, env = {} }: TestRun): Promise<TestEnd> {
  const begin = performance.now();
  const child = spawn(process.execPath, ['--import=./test/support/code-cache.js', test], {
    cwd: root,
    env: { ...process.env, TAP_BAIL: '1', TAP_TIMEOUT: String(Math.ceil(limit / 1000)), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  const keep = (chunk: string): void => {
    if (output.length < KEPT) output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', keep);
  child.stderr.setEncoding('utf8').on('data', keep);
  const group = child.pid!;
  running.add(group);
  let late = false;
  const patience = setTimeout(() => {
    late = true;
    signal(group, 'SIGTERM');
    setTimeout(signal, GRACE, group, 'SIGKILL').unref();
  }, limit);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(patience);
  signal(group, 'SIGKILL');
  running.delete(group);
  const took = performance.now() - begin;
  if (late) return { outcome: 'timed out', took, because: `did not end within ${Math.round(limit)} ms` };
  return { outcome: code === 0 ? 'passed' : 'failed', took, because: code === 0 ? '' : reasonIn(output) };
}
