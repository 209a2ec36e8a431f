import type { FaultAction } from '../config/fault-schema.ts';
import type { Timer } from '../lib/clock.ts';
import { Fifo } from './fifo.ts';
import { type ByteSink, QueueStage, Stage, type StageHost } from './tcp-stage.ts';

/*
 * What rules do to the bytes of a connection. Names, units and meanings are those of Toxiproxy's toxics
 * (https://github.com/Shopify/toxiproxy, README, "Toxics"); stall and hold are our additions.
 */

/** A line sends the amount of this many milliseconds as one piece. */
const LINE_PIECE_MS = 100;
/** Maximum number of pieces that `hold` keeps in one direction of a connection before it accepts no more. */
const DEFAULT_MAX_HELD = 4096;

class Latency extends QueueStage {
  readonly #latency: number;
  readonly #jitter: number;

  constructor(host: StageHost, next: ByteSink, { latency = 0, jitter = 0 }: FaultAction) {
    super(host, next);
    this.#latency = latency;
    this.#jitter = jitter;
  }

  protected override onBytes(bytes: Buffer): void {
    this.host.struck(bytes.length);
    const { clock, random } = this.host;
    const off = this.#jitter > 0 ? (random.float() * 2 - 1) * this.#jitter : 0;
    this.enqueue(bytes, clock.monotonic() + Math.max(0, this.#latency + off));
  }

  protected override onEnd(): void {
    // No data, no delay: only what precedes it.
    this.enqueue(undefined, -Infinity);
  }
}

class Bandwidth extends QueueStage {
  /** Bytes per millisecond. */
  readonly #rate: number;
  #free = 0;

  constructor(host: StageHost, next: ByteSink, { rate = 1 }: FaultAction) {
    super(host, next);
    this.#rate = rate;
  }

  protected override onBytes(bytes: Buffer): void {
    this.host.struck(bytes.length);
    const size = this.#rate * LINE_PIECE_MS;
    this.#free = Math.max(this.#free, this.host.clock.monotonic());
    for (let at = 0; at < bytes.length; at += size) {
      const piece = bytes.subarray(at, at + size);
      this.#free += piece.length / this.#rate;
      this.enqueue(piece, this.#free);
    }
  }

  protected override onEnd(): void {
    this.enqueue(undefined, -Infinity);
  }
}

class SlowClose extends QueueStage {
  readonly #delay: number;

  constructor(host: StageHost, next: ByteSink, { delay = 0 }: FaultAction) {
    super(host, next);
    this.#delay = delay;
  }

  protected override onBytes(bytes: Buffer): void {
    this.next.take(bytes);
  }

  protected override onEnd(): void {
    this.host.struck(0);
    this.enqueue(undefined, this.host.clock.monotonic() + this.#delay);
  }
}

/** Slices the piece at the head of its line, one slice at a time: waiting pieces stay whole. */
class Slicer extends Stage {
  readonly #average: number;
  readonly #variation: number;
  /** Milliseconds. */
  readonly #delay: number;
  readonly #line = new Fifo<Buffer | 'end'>();
  /** The rest of the piece that is being sliced. */
  #rest: Buffer | undefined;
  #due = 0;
  #timer: Timer | undefined;

  constructor(host: StageHost, next: ByteSink, action: FaultAction) {
    super(host, next);
    this.#average = action.average_size ?? 1;
    this.#variation = action.size_variation ?? 0;
    this.#delay = (action.delay ?? 0) / 1000;
  }

  override get size(): number {
    return this.#line.size + (this.#rest ? 1 : 0);
  }

  protected override onBytes(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.host.struck(bytes.length);
    this.#line.push(bytes);
    this.host.waits(bytes.length);
    this.#run();
  }

  protected override onEnd(): void {
    this.#line.push('end');
    this.#run();
  }

  protected override onRelease(): void {
    this.#timer?.cancel();
    while (this.size > 0) {
      const piece = this.#take();
      if (piece === 'end') this.next.end();
      else this.next.take(piece);
    }
  }

  protected override onForget(): void {
    this.#timer?.cancel();
    while (this.size > 0) this.#take();
  }

  /** All of the piece at the head. */
  #take(): Buffer | 'end' {
    const piece = this.#rest ?? this.#line.shift();
    this.#rest = undefined;
    if (piece !== 'end') this.host.waits(-piece.length);
    return piece;
  }

  #run(): void {
    if (this.#timer) return;
    const now = this.host.clock.monotonic();
    // An idle line starts again; a late one catches up, because timers do not have microsecond resolution.
    if (this.#due < now - this.#delay && !this.#rest) this.#due = now;
    while (this.size > 0) {
      if (this.#due > now) {
        this.#timer = this.host.clock.setTimer(this.#due - now, () => {
          this.#timer = undefined;
          this.#run();
        });
        return;
      }
      const piece = this.#take();
      if (piece === 'end') {
        this.next.end();
        continue;
      }
      const length = Math.min(this.#length(), piece.length);
      if (length < piece.length) {
        this.#rest = piece.subarray(length);
        this.host.waits(this.#rest.length);
      }
      this.#due += this.#delay;
      this.next.take(piece.subarray(0, length));
    }
  }

  #length(): number {
    if (this.#variation === 0) return this.#average;
    return this.#average - this.#variation + (this.host.random.uint32() % (2 * this.#variation + 1));
  }
}

/** Passes on nothing. */
class Swallower extends Stage {
  #lost = false;
  #timer: Timer | undefined;

  /** @param ms time after which the connection closes; undefined: never */
  constructor(host: StageHost, next: ByteSink, ms: number | undefined, how: 'close' | 'reset') {
    super(host, next);
    if (ms === undefined) return;
    const end = (): void => {
      host.struck(0);
      host.endConnection(how);
    };
    // Not in the middle of the input that started the rule.
    this.#timer = host.clock.setTimer(ms, end);
  }

  override get broken(): boolean {
    return this.#lost;
  }

  protected override onBytes(bytes: Buffer): void {
    this.#lost = true;
    this.host.struck(bytes.length);
  }

  protected override onEnd(): void {
    this.#lost = true;
  }

  protected override onRelease(): void {
    this.#timer?.cancel();
  }

  protected override onForget(): void {
    this.#timer?.cancel();
  }
}

class LimitData extends Stage {
  #left: number;
  #closed = false;

  constructor(host: StageHost, next: ByteSink, { bytes = 0 }: FaultAction) {
    super(host, next);
    this.#left = bytes;
  }

  override get broken(): boolean {
    return this.#closed;
  }

  protected override onBytes(bytes: Buffer): void {
    if (this.#closed) return;
    const passes = bytes.length <= this.#left ? bytes : bytes.subarray(0, this.#left);
    this.#left -= passes.length;
    this.#closed = this.#left === 0;
    if (passes.length > 0) this.next.take(passes);
    if (!this.#closed) return;
    this.host.struck(passes.length);
    this.host.endConnection('close');
  }
}

class Hold extends QueueStage {
  readonly #max: number;

  constructor(host: StageHost, next: ByteSink, { max = DEFAULT_MAX_HELD }: FaultAction) {
    super(host, next);
    this.#max = max;
  }

  override get full(): boolean {
    return this.size >= this.#max;
  }

  protected override onBytes(bytes: Buffer): void {
    this.host.struck(bytes.length);
    this.enqueue(bytes, Infinity);
  }

  protected override onEnd(): void {
    // If nothing precedes it, there is nothing to release.
    this.enqueue(undefined, this.size > 0 ? Infinity : -Infinity);
  }
}

class Stall extends QueueStage {
  readonly #until: number;

  constructor(host: StageHost, next: ByteSink, { ms = Infinity }: FaultAction) {
    super(host, next);
    this.#until = host.clock.monotonic() + ms;
  }

  protected override onBytes(bytes: Buffer): void {
    if (this.host.clock.monotonic() < this.#until) this.host.struck(bytes.length);
    this.enqueue(bytes, this.#until);
  }

  protected override onEnd(): void {
    this.enqueue(undefined, this.#until);
  }
}

/** Puts the action of a rule before `next`. */
export function stageOf(action: FaultAction, host: StageHost, next: ByteSink): Stage | undefined {
  switch (action.do) {
    case 'latency':
      return new Latency(host, next, action);
    case 'bandwidth':
      return new Bandwidth(host, next, action);
    case 'slow_close':
      return new SlowClose(host, next, action);
    case 'timeout':
      return new Swallower(host, next, action.timeout || undefined, 'close');
    case 'reset_peer':
      return new Swallower(host, next, action.timeout ?? 0, 'reset');
    case 'slicer':
      return new Slicer(host, next, action);
    case 'limit_data':
      return new LimitData(host, next, action);
    case 'hold':
      return new Hold(host, next, action);
    case 'stall':
      return new Stall(host, next, action);
    default:
      return undefined;
  }
}
