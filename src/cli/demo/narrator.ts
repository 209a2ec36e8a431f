import { systemClock } from '../../lib/clock.ts';
import { columns } from '../context/table.ts';

/** Result of one part of the demo. */
export interface Chapter {
  /** `0` to `4b`; empty for later parts. */
  readonly action: string;
  readonly title: string;
  readonly outcome: string;
  readonly milliseconds: number;
}

/** Prints the story as it proceeds, and keeps the result of each part for the table at the end. */
export class Narrator {
  readonly #out: (text: string) => void;
  readonly #chapters: Chapter[] = [];
  readonly #begin = systemClock.monotonic();

  /** @param out receives the story, piece by piece; pass a function that discards it to get only the table */
  constructor(out: (text: string) => void) {
    this.#out = out;
  }

  get chapters(): readonly Chapter[] {
    return this.#chapters;
  }

  /** Milliseconds since the beginning. */
  get elapsed(): number {
    return systemClock.monotonic() - this.#begin;
  }

  /** A line on its own. */
  say(text: string): void {
    this.#out(`${text}\n`);
  }

  /** A heading, such as `4a The app wants a page`. */
  action(label: string, text: string): void {
    this.#out(`\n${label.padEnd(3)} ${text}\n`);
  }

  /** A heading for a part without a number. */
  turn(text: string): void {
    this.#out(`\n${text}\n`);
  }

  /** A line below a heading. */
  detail(text: string): void {
    this.#out(`    ${text}\n`);
  }

  /** Records the result of a part. @param since `elapsed` when it began */
  done(action: string, title: string, outcome: string, since: number): void {
    this.#chapters.push({ action, title, outcome, milliseconds: this.elapsed - since });
  }

  /** All parts, one per line. */
  table(): string {
    return columns(
      ['Action', 'What', 'Took', 'Outcome'],
      this.#chapters.map(({ action, title, outcome, milliseconds }) => [action, title, took(milliseconds), outcome]),
    );
  }
}

/** `12 ms`, or `3.6 s` from a second on. */
export function took(milliseconds: number): string {
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}
