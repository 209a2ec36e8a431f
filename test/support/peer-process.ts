import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { guardProcess } from './cleanup-process.ts';
import { which } from './interop.ts';

/** A peer program under test control: its output is collected, and it does not outlive the test, nor this process. */
export class PeerProcess implements AsyncDisposable {
  output = '';
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #exit: Promise<unknown>;
  /** Resolves with the exit status; null when a signal ended it. */
  readonly ended: Promise<number | null>;
  #wake: (() => void) | undefined;

  constructor(program: string, args: readonly string[]) {
    this.#child = guardProcess(spawn(which(program) ?? program, args));
    this.#exit = once(this.#child, 'close');
    this.ended = this.#exit.then(() => this.#child.exitCode);
    const collect = (chunk: Buffer): void => {
      this.output += chunk.toString('latin1');
      this.#wake?.();
    };
    this.#child.stdout.on('data', collect);
    this.#child.stderr.on('data', collect);
    // The peer may have gone when we write.
    this.#child.stdin.on('error', () => {});
    void this.#exit.then(() => this.#wake?.());
  }

  get pid(): number {
    return this.#child.pid!;
  }

  write(text: string): void {
    this.#child.stdin.write(text);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  end(): void {
    this.#child.stdin.end();
  }

  /** Waits for the output to match; throws with all of it when it does not in time (in milliseconds) or the program ends. One wait at a time. */
  async until(pattern: RegExp, within = 10_000): Promise<void> {
    const deadline = Date.now() + within;
    while (!pattern.test(this.output)) {
      if (this.#child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`no ${pattern} in:\n${this.output}`);
      }
      const woken = Promise.withResolvers<void>();
      this.#wake = woken.resolve;
      const timer = setTimeout(woken.resolve, 500);
      await woken.promise;
      clearTimeout(timer);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const gone = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await gone;
    }
    // What it started may live on and hold its output open: that is not waited for.
    this.#child.stdout.destroy();
    this.#child.stderr.destroy();
    await this.#exit;
  }
}
