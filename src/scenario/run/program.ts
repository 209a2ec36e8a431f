import { type ChildProcess, spawn } from 'node:child_process';
import { errorText } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';

/** Maximum number of characters in one line of a program's output. */
const MAX_LINE = 1000;
/** Time for a program to end after it is asked to, in milliseconds. */
const GRACE_MS = 5000;

/** A running program and its result. */
export interface ProgramOptions {
  readonly command: readonly string[];
  readonly cwd: string;
  /** Each line that it prints. */
  readonly onLine: (text: string) => void;
  /** Exit status, or the name of a signal; a string if it could not be started. */
  readonly onEnd: (status: number | string) => void;
}

/** Another program in a process group of its own, so that processes it starts end with it. */
export class Program {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #over = false;
  /** True once it has been asked to end. */
  stopping = false;

  constructor({ command: [program, ...args], cwd, onLine, onEnd }: ProgramOptions) {
    const child = spawn(program!, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    for (const stream of [child.stdout!, child.stderr!]) lines(stream, onLine);
    this.#ended = new Promise((resolve) => {
      const finish = (status: number | string): void => {
        if (this.#over) return;
        this.#over = true;
        onEnd(status);
        resolve();
      };
      child.once('error', (error) => {
        onLine(`cannot be started: ${errorText(error)}`);
        finish(errorText(error));
      });
      child.once('close', (code, signal) => finish(code ?? signal ?? 'unknown'));
    });
  }

  get running(): boolean {
    return !this.#over;
  }

  /** Asks it to end, like Ctrl-C, and kills it if it does not. Resolves when it and all processes that it started are gone. */
  async stop(clock: { setTimer(ms: number, fn: () => void): { cancel(): void } }): Promise<void> {
    this.stopping = true;
    if (!this.#over) this.#signal('SIGINT');
    const timer = clock.setTimer(GRACE_MS, () => this.#signal('SIGKILL'));
    await this.#ended;
    timer.cancel();
    this.#signal('SIGKILL');
  }

  /** To the whole group; no effect if that is gone. */
  #signal(name: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, name);
    } catch {
      // It has ended, and so have all processes that it started.
    }
  }
}

/** Splits output into lines, each short enough for a report. */
function lines(stream: NodeJS.ReadableStream, onLine: (text: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const parts = (rest + chunk).split(/\r?\n/);
    rest = parts.pop()!.slice(0, MAX_LINE);
    for (const part of parts) if (part.trim() !== '') onLine(printable(part.slice(0, MAX_LINE)));
  });
  stream.on('end', () => {
    if (rest.trim() !== '') onLine(printable(rest));
  });
}
