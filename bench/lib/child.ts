/** A child process that answers each line of its input with a line of JSON. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';

/** Longest wait for an answer, in milliseconds. */
const PATIENCE_MS = 600_000;

export class Child {
  readonly process: ChildProcess;
  readonly #name: string;
  readonly #answers: string[] = [];
  #waiting: { readonly resolve: (line: string) => void; readonly reject: (error: Error) => void } | undefined;
  #ended = false;

  /** @param child with pipes as its input and output; lines that are no JSON go to standard error */
  constructor(child: ChildProcess, name: string) {
    this.process = child;
    this.#name = name;
    child.stdin!.on('error', () => {});
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      if (!line.startsWith('{')) return void process.stderr.write(`${line}\n`);
      if (this.#waiting) this.#waiting.resolve(line);
      else this.#answers.push(line);
    });
    // After its last line, which may come after its end.
    child.once('close', () => {
      this.#ended = true;
      this.#waiting?.reject(this.#gone());
    });
  }

  #gone(): Error {
    return new Error(
      `${this.#name} has ended (${this.process.exitCode ?? this.process.signalCode}) before it answered.`,
    );
  }

  /** The next line that it prints. */
  async next<T>(): Promise<T> {
    const ready = this.#answers.shift();
    if (ready !== undefined) return JSON.parse(ready) as T;
    if (this.#ended) throw this.#gone();
    const answer = Promise.withResolvers<string>();
    this.#waiting = answer;
    const timer = setTimeout(
      () => answer.reject(new Error(`${this.#name} has not answered for ${PATIENCE_MS / 1000} s.`)),
      PATIENCE_MS,
    );
    try {
      return JSON.parse(await answer.promise) as T;
    } finally {
      this.#waiting = undefined;
      clearTimeout(timer);
    }
  }

  /** Sends a line and waits for the answer. */
  async ask<T>(line: string): Promise<T> {
    this.process.stdin!.write(`${line}\n`);
    return await this.next<T>();
  }
}
