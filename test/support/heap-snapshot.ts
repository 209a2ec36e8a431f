import { randomBytes } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readFileSync, readSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';

/** What a process has to be started with, for `heapSnapshotOf`: in the folder where snapshots go. */
export const SNAPSHOT_OPTIONS = ['--heapsnapshot-signal=SIGUSR2', '--heap-snapshot-string-limit=1000000'] as const;

/** The heap snapshot that a process writes on a signal, once it is complete: all its strings are in it. */
export async function heapSnapshotOf(
  child: { kill(signal: NodeJS.Signals): boolean },
  directory: string,
): Promise<string> {
  child.kill('SIGUSR2');
  const tail = Buffer.alloc(3);
  for (;;) {
    const name = readdirSync(directory).find((each) => each.endsWith('.heapsnapshot'));
    if (name !== undefined) {
      const path = join(directory, name);
      const file = openSync(path, 'r');
      try {
        const read = readSync(file, tail, 0, 3, Math.max(0, fstatSync(file).size - 3));
        if (tail.toString('latin1', 0, read) === '"]}') {
          const text = readFileSync(path, 'utf8');
          unlinkSync(path);
          return text;
        }
      } finally {
        closeSync(file);
      }
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Texts that must not be found, by where they were: words that occur in one message each, and the parts of tokens. */
export class Secrets {
  readonly #texts = new Map<string, string>();

  /** A new word, to be put into a message. */
  word(where: string): string {
    const word = randomBytes(24).toString('base64url');
    this.#texts.set(where, word);
    return word;
  }

  /** A text that came from elsewhere. */
  add(where: string, text: string): void {
    this.#texts.set(where, text);
  }

  /** Payload and signature of a token; its header is the same for all. */
  addToken(where: string, token: string): void {
    const [, payload = '', signature = ''] = token.split('.');
    this.add(`payload of ${where}`, payload);
    this.add(`signature of ${where}`, signature);
  }

  /** Those that are in a heap snapshot. */
  foundIn(snapshot: string): string[] {
    return [...this.#texts].filter(([, text]) => snapshot.includes(text)).map(([where]) => where);
  }

  get size(): number {
    return this.#texts.size;
  }
}
