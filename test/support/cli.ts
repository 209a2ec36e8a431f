import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { runCli } from '../../src/cli/run.ts';
import { guardProcess } from './cleanup-process.ts';

export interface CliResult {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command line in this process and collects what it says. */
export async function cli(argv: readonly string[], env: Record<string, string> = {}): Promise<CliResult> {
  let out = '';
  let err = '';
  const code = await runCli(argv, {
    out: (text) => {
      out += text;
    },
    outBytes: (bytes) => {
      out += Buffer.from(bytes).toString();
    },
    err: (text) => {
      err += text;
    },
    env,
    colors: false,
  });
  return { code, out, err };
}

/** A command line in a process of its own, as a person runs it. */
export interface CliProcess {
  readonly child: ChildProcess;
  /** Resolves with what was printed up to and including the first match; rejects when the process ends before. */
  waitFor(pattern: RegExp): Promise<string>;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
}

const MAIN = join(import.meta.dirname, '../../src/cli/main.js');

export interface SpawnOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

export function spawnCli(argv: readonly string[], options: SpawnOptions = {}): CliProcess {
  const child = guardProcess(
    spawn(process.execPath, [...(options.nodeOptions ?? []), MAIN, ...argv], {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let out = '';
  let err = '';
  const listeners = new Set<() => void>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }));
  });
  return {
    child,
    ended,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (!pattern.test(out)) return;
          listeners.delete(look);
          resolve(out);
        };
        listeners.add(look);
        look();
        void ended.then(({ code }) => {
          if (listeners.has(look)) reject(new Error(`ended with ${code} before ${pattern}:\n${out}\n${err}`));
        });
      }),
  };
}
