import type { Clock } from '../../lib/clock.ts';
import type { TunneliteEvent } from '../../telemetry/index.ts';

/** Events that a run remembers. Ours to choose: eight hours of ten clients are some 150,000. */
const MAX_EVENTS = 1_000_000;
/** Lines of clients that a run remembers. */
const MAX_NOTES = 100_000;

/** An event, and when it happened: milliseconds since the start. */
export interface RecordedEvent {
  readonly at: number;
  readonly event: TunneliteEvent;
}

/** Something that a client said, or that happened to it. */
export interface RecordedNote {
  readonly at: number;
  readonly client: number;
  readonly text: string;
}

/** A step that was made. */
export interface RecordedStep {
  readonly at: number;
  readonly text: string;
}

/** A page that a client asked for, when it was done. */
export interface RecordedPage {
  readonly at: number;
  readonly client: number;
  /** Undefined when it came. */
  readonly failure: string | undefined;
  /** How long it took. */
  readonly milliseconds: number;
}

/** A client that is a program, and ended. */
export interface RecordedExit {
  readonly at: number;
  readonly client: number;
  /** Exit status, or the name of a signal. */
  readonly status: number | string;
  /** Whether the run itself ended it. */
  readonly wanted: boolean;
}

/** What happened in a run, each with its time since the start by the run's own clock, whatever the simulator's shows. */
export class Recording {
  readonly events: RecordedEvent[] = [];
  readonly notes: RecordedNote[] = [];
  readonly steps: RecordedStep[] = [];
  readonly pages: RecordedPage[] = [];
  readonly exits: RecordedExit[] = [];
  /** True when there was more than is remembered: then nothing can be told for sure. */
  overflowed = false;
  #clock: Clock | undefined;
  #start = 0;
  #frozen: number | undefined;

  /** Time counts from now on. */
  begin(clock: Clock): void {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Nothing more is taken down: what comes now is the end of the run itself. */
  freeze(): void {
    this.#frozen ??= this.now;
  }

  /** Milliseconds since the start; 0 before it. */
  get now(): number {
    if (this.#frozen !== undefined) return this.#frozen;
    return this.#clock === undefined ? 0 : this.#clock.monotonic() - this.#start;
  }

  /** Listens to a simulator. */
  readonly onEvent = (event: TunneliteEvent): void => {
    if (this.#frozen !== undefined) return;
    if (this.events.length >= MAX_EVENTS) this.overflowed = true;
    else this.events.push({ at: this.now, event });
  };

  note(client: number, text: string, at = this.now): void {
    if (this.#frozen !== undefined) return;
    if (this.notes.length >= MAX_NOTES) this.overflowed = true;
    else this.notes.push({ at, client, text });
  }

  step(text: string): void {
    this.steps.push({ at: this.now, text });
  }

  page(client: number, failure: string | undefined, milliseconds: number): void {
    if (this.#frozen !== undefined) return;
    if (this.pages.length >= MAX_EVENTS) this.overflowed = true;
    else this.pages.push({ at: this.now, client, failure, milliseconds });
  }

  exit(client: number, status: number | string, wanted: boolean): void {
    if (this.#frozen !== undefined) return;
    this.exits.push({ at: this.now, client, status, wanted });
  }
}
