import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { divergenceOf, divergenceText, journalFile } from '../explain/index.ts';
import { errorText } from '../lib/errors.ts';
import { eventJson, type TunneliteEvent } from '../telemetry/index.ts';

/** Maximum length of a test's name in a file name. */
const MAX_NAME = 80;

/** Journals of tests that passed, one file each, to compare with those of failing runs. */
export class GoodRuns {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Saves the journal of a test that has passed, unless there is one. Reports errors in writing. */
  keep(test: string, events: readonly TunneliteEvent[]): void {
    const path = this.#pathOf(test);
    if (existsSync(path)) return;
    try {
      mkdirSync(this.#folder, { recursive: true });
      // Atomic: several processes may run the same test.
      const draft = `${path}.${process.pid}`;
      writeFileSync(draft, events.map(eventJson).join(''), { mode: 0o600 });
      renameSync(draft, path);
    } catch (error) {
      console.error(`The journal of “${test}” cannot be kept: ${errorText(error)}`);
    }
  }

  /** Where a failed test diverges from its good run, in words; undefined if there is none. */
  async compare(test: string, events: readonly TunneliteEvent[]): Promise<string | undefined> {
    const path = this.#pathOf(test);
    if (!existsSync(path)) return undefined;
    try {
      const text = divergenceText(await divergenceOf(journalFile(path), events));
      return `Compared with its good run (${path}):\n${text.trimEnd()}`;
    } catch (error) {
      return `Its good run cannot be read: ${errorText(error)}`;
    }
  }

  /** Different names that look alike in a file name get different files. */
  #pathOf(test: string): string {
    const readable = test
      .normalize('NFKD')
      .replaceAll(/[^A-Za-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '')
      .slice(0, MAX_NAME);
    const mark = createHash('sha256').update(test).digest('hex').slice(0, 8);
    return join(this.#folder, `${readable === '' ? 'test' : readable}-${mark}.ndjson`);
  }
}
