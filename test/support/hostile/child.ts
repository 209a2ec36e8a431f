import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** How long an answer may take, in milliseconds. */
const ANSWER_MS = 100_000;

export interface ChildOptions {
  /** File descriptors that it may have. */
  readonly descriptors?: number;
  readonly nodeOptions?: readonly string[];
}

/** A program of this suite in a process of its own, which is asked and answers by number; 0 is what it says first. */
export class Child implements AsyncDisposable {
  readonly process: ChildProcess;
  #asked = 0;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  readonly #exit: Promise<unknown>;
  readonly #ready = this.#answer(0);
  #errors = '';

  constructor(script: string, args: readonly string[], { descriptors, nodeOptions = [] }: ChildOptions = {}) {
    const command = [process.execPath, ...nodeOptions, script, ...args];
    const limited =
      descriptors === undefined ? command : ['sh', '-c', `ulimit -n ${descriptors}; exec "$@"`, 'sh', ...command];
    this.process = spawn(limited[0]!, limited.slice(1), { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    this.#exit = once(this.process, 'exit').then(() => this.#gone());
    this.process.stderr!.on('data', (text: Buffer) => {
      this.#errors += text;
    });
    this.process.on('message', ({ id, value, error }: { id: number; value?: unknown; error?: string }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(value);
      else waiting?.reject(new Error(error));
    });
  }

  /** What it says once it is ready. */
  ready<T>(): Promise<T> {
    return this.#ready as Promise<T>;
  }

  async ask<T>(question: object): Promise<T> {
    const id = ++this.#asked;
    const answer = this.#answer<T>(id);
    this.process.send({ id, question });
    return answer;
  }

  async #answer<T>(id: number): Promise<T> {
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(id, waiting);
    const timer = setTimeout(() => waiting.reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS);
    try {
      return (await waiting.promise) as T;
    } finally {
      clearTimeout(timer);
    }
  }

  #gone(): void {
    const { exitCode, signalCode } = this.process;
    for (const { reject } of this.#waiting.values()) {
      reject(new Error(`The process ended (${exitCode ?? signalCode}).\n${this.#errors}`));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.connected) this.process.disconnect();
    const timer = setTimeout(() => this.process.kill('SIGKILL'), 10_000);
    await this.#exit;
    clearTimeout(timer);
  }
}
