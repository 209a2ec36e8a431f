import { type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

/** Debian's Python, for which the package python3-msal is. */
const PYTHON = '/usr/bin/python3';

/** True where the package python3-msal is installed. */
export function hasMsalPython(): boolean {
  try {
    execFileSync(PYTHON, ['-c', 'import msal'], { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: JSON of a library, looked into by tests
export type MsalAnswer = any;

/** MSAL Python in a process of its own. */
export class MsalPython implements AsyncDisposable {
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #lines: AsyncIterator<string>;
  readonly #exit: Promise<unknown>;

  constructor(caFile: string) {
    this.#child = spawn(PYTHON, [join(import.meta.dirname, 'msal-python.py')], {
      env: { PATH: process.env.PATH, REQUESTS_CA_BUNDLE: caFile },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#exit = once(this.#child, 'close');
    this.#child.stdin.on('error', () => {});
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** One call, as the script beside this file has them. An exception is an answer too: `{ exception, message }`. */
  async call(call: { readonly call: string; readonly [name: string]: unknown }): Promise<MsalAnswer> {
    this.#child.stdin.write(`${JSON.stringify(call)}\n`);
    const { value, done } = await this.#lines.next();
    if (done) throw new Error('MSAL Python ended without an answer');
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exit;
  }
}
