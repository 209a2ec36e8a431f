import { GATE_ROOM } from '../tls/constants.ts';
import type { Rule } from './rule.ts';
import type { ByteSink, Stage } from './tcp-stage.ts';
import type { WaitingBudget } from './waiting.ts';

/** Maximum number of pieces that may wait in one direction of a connection, however small. */
const MAX_PIECES = 8192;

/** One direction of a connection, with the stages of rules in the order in which they were added. */
export class Pipe implements ByteSink {
  /** Number of waiting bytes. */
  #queued = 0;
  /** Whether the end has entered, and left. */
  #ending = false;
  #ended = false;
  readonly #stages: { readonly rule: Rule; readonly stage: Stage }[] = [];
  readonly #budget: WaitingBudget;
  readonly #exit: ByteSink;

  constructor(budget: WaitingBudget, exit: ByteSink) {
    this.#budget = budget;
    this.#exit = {
      take: (bytes) => exit.take(bytes),
      end: () => {
        this.#ended = true;
        exit.end();
      },
    };
  }

  get queued(): number {
    return this.#queued;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether nothing waits, and no rule acts. */
  get idle(): boolean {
    return this.#stages.length === 0;
  }

  /** Whether it accepts no more for now. */
  get full(): boolean {
    return this.#queued > GATE_ROOM || (this.#budget.full && this.#queued > 0) || this.#stages.some(isFull);
  }

  take(bytes: Buffer): void {
    if (this.#ending) return;
    (this.#stages[0]?.stage ?? this.#exit).take(bytes);
  }

  /** No more bytes follow. Calling it again does nothing. */
  end(): void {
    if (this.#ending) return;
    this.#ending = true;
    (this.#stages[0]?.stage ?? this.#exit).end();
  }

  /** Adds a rule. `make` gets the next stage. */
  add(rule: Rule, make: (next: ByteSink) => Stage | undefined): Stage | undefined {
    let at = this.#stages.findIndex((one) => one.rule.order > rule.order);
    if (at < 0) at = this.#stages.length;
    const stage = make(this.#stages[at]?.stage ?? this.#exit);
    if (stage === undefined) return undefined;
    this.#stages.splice(at, 0, { rule, stage });
    this.#stages[at - 1]?.stage.lead(stage);
    return stage;
  }

  /** Removes a stage: bytes held in it continue. */
  remove(stage: Stage): void {
    stage.release();
    const at = this.#stages.findIndex((one) => one.stage === stage);
    if (at < 0) return;
    this.#stages.splice(at, 1);
    this.#stages[at - 1]?.stage.lead(stage.next);
  }

  /** Call when the connection has closed. */
  forget(): void {
    this.#ending = true;
    for (const { stage } of this.#stages) stage.forget();
  }

  waits(bytes: number): void {
    this.#queued += bytes;
    this.#budget.addBytes(bytes);
  }
}

const isFull = ({ stage }: { readonly stage: Stage }): boolean => stage.full || stage.size >= MAX_PIECES;
