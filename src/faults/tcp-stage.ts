import type { Clock, Timer } from '../lib/clock.ts';
import type { RandomSource } from '../lib/random.ts';
import { Fifo } from './fifo.ts';

/** Receives the bytes of one direction of a connection, and finally the end. */
export interface ByteSink {
  take(bytes: Buffer): void;
  end(): void;
}

/** What a stage needs. */
export interface StageHost {
  /** The network's clock. */
  readonly clock: Clock;
  readonly random: RandomSource;
  /** Records a strike on this many bytes. */
  struck(length: number): void;
  /** Reports that this many more bytes wait, or fewer. */
  waits(bytes: number): void;
  /** Closes the connection. */
  endConnection(how: 'close' | 'reset'): void;
}

/** One rule that acts on one direction of one connection: receives bytes, and passes them on to the next stage according to the rule. */
export abstract class Stage implements ByteSink {
  protected readonly host: StageHost;
  #next: ByteSink;
  #over = false;

  constructor(host: StageHost, next: ByteSink) {
    this.host = host;
    this.#next = next;
  }

  get next(): ByteSink {
    return this.#next;
  }

  /** Replaces the next stage. */
  lead(next: ByteSink): void {
    this.#next = next;
  }

  take(bytes: Buffer): void {
    if (this.#over) this.#next.take(bytes);
    else this.onBytes(bytes);
  }

  end(): void {
    if (this.#over) this.#next.end();
    else this.onEnd();
  }

  /** Ends the rule: held bytes continue in order, and so do all later ones. */
  release(): void {
    if (this.#over) return;
    this.#over = true;
    this.onRelease();
  }

  /** Call when the connection has closed. */
  forget(): void {
    this.#over = true;
    this.onForget();
  }

  /** Number of waiting pieces. */
  get size(): number {
    return 0;
  }

  /** Whether it accepts no more for now. */
  get full(): boolean {
    return false;
  }

  /** Whether the stage dropped bytes: the connection cannot continue without the rule. */
  get broken(): boolean {
    return false;
  }

  /** Releases the oldest items, optionally changed. */
  letGo(_count: number, _change?: (bytes: Buffer) => Buffer | undefined): number {
    return 0;
  }

  protected abstract onBytes(bytes: Buffer): void;

  protected onEnd(): void {
    this.#next.end();
  }

  protected onRelease(): void {}

  protected onForget(): void {}
}

/** A stage in which bytes, and finally the end (undefined), wait in line. */
export abstract class QueueStage extends Stage {
  readonly #line = new Fifo<{ readonly bytes: Buffer | undefined; readonly due: number }>();
  #timer: Timer | undefined;

  override get size(): number {
    return this.#line.size;
  }

  override letGo(count: number, change?: (bytes: Buffer) => Buffer | undefined): number {
    let released = 0;
    for (let head = this.#line.head; head !== undefined; head = this.#line.head) {
      if (head.bytes !== undefined && released >= count) break;
      const bytes = this.#shift();
      if (bytes !== undefined) released++;
      const goes = bytes !== undefined && change ? change(bytes) : bytes;
      // A piece of which nothing is passed on is not an end.
      if (goes !== undefined || bytes === undefined) this.#go(goes);
    }
    return released;
  }

  /** Passes a piece on when it is due, by monotonic time, and all before it have been passed on; Infinity: when it is released. */
  protected enqueue(bytes: Buffer | undefined, due: number): void {
    this.#line.push({ bytes, due });
    this.host.waits(bytes?.length ?? 0);
    if (this.#line.size === 1) this.#run();
  }

  protected override onRelease(): void {
    this.#timer?.cancel();
    while (this.#line.size > 0) this.#go(this.#shift());
  }

  protected override onForget(): void {
    this.#timer?.cancel();
    while (this.#line.size > 0) this.#shift();
  }

  #run(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (let head = this.#line.head; head !== undefined; head = this.#line.head) {
      const wait = head.due - this.host.clock.monotonic();
      if (wait > 0) {
        if (wait < Infinity) this.#timer = this.host.clock.setTimer(wait, () => this.#run());
        return;
      }
      this.#go(this.#shift());
    }
  }

  #shift(): Buffer | undefined {
    const { bytes } = this.#line.shift();
    this.host.waits(-(bytes?.length ?? 0));
    return bytes;
  }

  #go(bytes: Buffer | undefined): void {
    if (bytes === undefined) this.next.end();
    else this.next.take(bytes);
  }
}
