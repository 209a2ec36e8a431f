import { Worker } from 'node:worker_threads';
import type { Clock, Timer } from '../../lib/clock.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { patience } from '../../lib/late-tick.ts';
import { printable } from '../../lib/printable.ts';
import type { PacAnswer, PacData, PacQuestion } from './pac-messages.ts';

/** Largest proxy configuration file, in bytes; the same limit as Chromium's. */
export const MAX_PAC_BYTES = 1024 * 1024;
/** Time limit for one answer, including look-ups and the start of the thread, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Pending queries, and look-ups of the script in progress; further ones are refused. */
const MAX_WAITING = 1024;
const MAX_LOOKUPS = 32;
/** Memory limit of a script, in bytes. */
const MEMORY_BYTES = 32 * 1024 * 1024;

export interface PacOptions {
  readonly script: string;
  /** The tunnel's own address. */
  readonly address: string;
  /** The tunnel's resolver. */
  readonly resolve: (name: string) => Promise<readonly string[]>;
  readonly clock: Clock;
}

interface Waiting {
  readonly resolve: (text: string) => void;
  readonly reject: (error: TunneliteError) => void;
  readonly timer: Timer;
}

const WORKER = new URL(import.meta.url.endsWith('.ts') ? './pac-worker.ts' : './pac-worker.js', import.meta.url);

/** Evaluates a proxy configuration file (PAC), which selects the route of a web request, in a separate thread. */
export class PacScript {
  readonly #options: PacOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #lookups = 0;
  #id = 0;

  constructor(options: PacOptions) {
    this.#options = options;
  }

  /**
   * The result of `FindProxyForURL`.
   * @throws TunneliteError `ERR_CLIENT_PROXY` when the script fails, takes too long, or its packages are not installed
   */
  find(url: URL): Promise<string> {
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(failure('has too many pending requests'));
    const id = ++this.#id;
    return new Promise((resolve, reject) => {
      const timer = patience(this.#options.clock, ANSWER_TIMEOUT_MS, () =>
        this.#stop(failure(`gave no answer within ${ANSWER_TIMEOUT_MS / 1000} s`)),
      );
      this.#waiting.set(id, { resolve, reject, timer });
      this.#ask({ kind: 'find', id, url: url.href, host: url.hostname });
    });
  }

  close(): void {
    this.#stop(failure('is no longer needed'));
  }

  /** Ends the thread, and rejects all pending queries. The next query starts a new thread. */
  #stop(error: TunneliteError): void {
    const worker = this.#worker;
    this.#worker = undefined;
    void worker?.terminate();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { timer, reject } of waiting) {
      timer.cancel();
      reject(error);
    }
  }

  #ask(question: PacQuestion): void {
    this.#worker ??= this.#start();
    this.#worker.postMessage(question);
  }

  #start(): Worker {
    const { script, address } = this.#options;
    const data: PacData = { script, address, memory: MEMORY_BYTES };
    const worker = new Worker(WORKER, {
      workerData: data,
      // The script gets none of the program's own options and arguments.
      execArgv: [],
      env: {},
      stdout: true,
      stderr: true,
      resourceLimits: { maxOldGenerationSizeMb: 128, stackSizeMb: 4 },
    });
    worker.unref();
    worker.on('message', (answer: PacAnswer) => {
      if (worker === this.#worker) this.#take(answer);
    });
    worker.on('error', (error) => {
      if (worker === this.#worker) this.#stop(failure(`failed: ${errorText(error)}`, error));
    });
    worker.on('exit', () => {
      if (worker === this.#worker) this.#stop(failure('ended its thread'));
    });
    return worker;
  }

  #take(answer: PacAnswer): void {
    if (answer.kind === 'lookup') {
      void this.#lookUp(answer.id, answer.name);
      return;
    }
    const waiting = this.#waiting.get(answer.id);
    if (!waiting) return;
    this.#waiting.delete(answer.id);
    waiting.timer.cancel();
    if (answer.kind === 'found') waiting.resolve(answer.text);
    else if (answer.missing) {
      const hint = 'Run “npm install pac-resolver quickjs-wasi”: they are optional packages of tunnelite.';
      waiting.reject(new TunneliteError('ERR_CLIENT_PROXY', 'Proxy configuration files cannot be run here.', { hint }));
    } else waiting.reject(failure(`failed: ${printable(answer.message)}`));
  }

  async #lookUp(id: number, name: string): Promise<void> {
    const worker = this.#worker;
    let address: string | null = null;
    if (this.#lookups < MAX_LOOKUPS) {
      this.#lookups++;
      [address = null] = await this.#options.resolve(name).catch(() => []);
      this.#lookups--;
    }
    if (worker === this.#worker) worker?.postMessage({ kind: 'address', id, address } satisfies PacQuestion);
  }
}

function failure(words: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_CLIENT_PROXY', `The proxy configuration file ${words}.`, { cause });
}
