import type { Clock } from '../../lib/clock.ts';
import type { TunneliteEvent } from '../../telemetry/index.ts';

/** Maximum number of events kept for a run. Our choice: eight hours of ten clients produce some 150,000. */
const MAX_EVENTS = 1_000_000;
/** Maximum number of client lines kept for a run. */
const MAX_NOTES = 100_000;

/** An event and its time: milliseconds since the start. */
export interface RecordedEvent {
  readonly at: number;
  readonly event: TunneliteEvent;
}

/** A line that a client printed, or an event of a client. */
export interface RecordedNote {
  readonly at: number;
  readonly client: number;
  readonly text: string;
}

/** A completed step. */
export interface RecordedStep {
  readonly at: number;
  readonly text: string;
}

/** A page that a client requested, when it completed. */
export interface RecordedPage {
  readonly at: number;
  readonly client: number;
  /** Undefined if it succeeded. */
  readonly failure: string | undefined;
  /** Its duration. */
  readonly milliseconds: number;
}

/** A client program that ended. */
export interface RecordedExit {
  readonly at: number;
  readonly client: number;
  /** Exit status, or the name of a signal. */
  readonly status: number | string;
  /** Whether the run itself ended it. */
  readonly wanted: boolean;
}

/** Everything that happened in a run, each with its time since the start by the run's own clock, not the simulator's. */
export class Recording {
  readonly events: RecordedEvent[] = [];
  readonly notes: RecordedNote[] = [];
  readonly steps: RecordedStep[] = [];
  readonly pages: RecordedPage[] = [];
  readonly exits: RecordedExit[] = [];
  /** True if there was more than could be kept: then the result is uncertain. */
  overflowed = false;
  #clock: Clock | undefined;
  #start = 0;
  #frozen: number | undefined;

  /** Starts the time. */
  begin(clock: Clock): void {
    this.#clock = clock;
    this.#start = clock.monotonic();
  }

  /** Stops recording: what follows is the shutdown of the run itself. */
  freeze(): void {
    this.#frozen ??= this.now;
  }

  /** Milliseconds since the start; 0 before it. */
  get now(): number {
    if (this.#frozen !== undefined) return this.#frozen;
    return this.#clock === undefined ? 0 : this.#clock.monotonic() - this.#start;
  }

  /** Subscribes to a simulator. */
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
