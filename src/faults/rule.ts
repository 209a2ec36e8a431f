import { unnamedKinds } from '../config/fault-actions.ts';
import type { FaultAction, FaultRule, FaultSelector } from '../config/fault-schema.ts';
import type { Clock } from '../lib/clock.ts';
import { checkCount } from '../lib/count.ts';
import { checkTimeout } from '../lib/duration.ts';
import { endpointText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { matcherOf } from './matcher.ts';
import { Occurrence } from './occurrence.ts';
import type { Stage } from './tcp-stage.ts';
import type { FaultHandle, FaultStatus, FaultStrike, Passing, StruckOptions } from './types.ts';
import { Waiting, type WaitingBudget } from './waiting.ts';

/** Most strikes that a rule records. */
const MAX_STRIKES = 1000;
/** Default of {@link StruckOptions.timeout}, in milliseconds. */
export const STRUCK_TIMEOUT_MS = 10_000;

/** What a rule needs from its engine. */
export interface RuleHost {
  /** The simulator's clock, used for a rule's `after` and `during`. */
  readonly clock: Clock;
  /** The network's clock, used for delays. */
  readonly machine: Clock;
  readonly emit: Emit;
  readonly budget: WaitingBudget;
  /** `lost`: items held by the rule are lost. */
  removed(rule: Rule, lost: boolean): void;
}

/** An active rule: counts the items it selects, decides which of them to strike, and keeps those it holds. */
export class Rule implements FaultHandle {
  readonly name: string;
  readonly rule: FaultRule;
  readonly action: FaultAction;
  /** The selector, including parts implied by the action. */
  readonly on: FaultSelector;
  readonly order: number;
  readonly random: RandomSource;
  readonly waiting: Waiting;
  /** The stages in which it acts on connections. */
  readonly stages = new Set<Stage>();
  readonly notes: readonly string[];
  readonly #host: RuleHost;
  readonly #matches: (passing: Passing) => boolean;
  readonly #where: ((passing: Passing) => boolean) | undefined;
  readonly #occurrence: Occurrence;
  readonly #strikes: FaultStrike[] = [];
  readonly #waiters = new Set<{ readonly times: number; readonly settle: (error?: TunneliteError) => void }>();
  #seen = 0;
  #hits = 0;
  #removed = false;
  #limitTold = false;
  #whereTold = false;

  constructor(
    host: RuleHost,
    given: {
      readonly rule: FaultRule & { readonly name: string };
      readonly where: ((passing: Passing) => boolean) | undefined;
    },
    {
      order,
      random,
      notes,
    }: { readonly order: number; readonly random: RandomSource; readonly notes: readonly string[] },
  ) {
    const { rule, where } = given;
    this.#host = host;
    this.name = rule.name;
    this.rule = rule;
    this.action = rule.then;
    this.order = order;
    this.random = random;
    this.notes = notes;
    this.waiting = new Waiting(host.machine, host.budget);
    this.on = selectorOf(rule);
    this.#matches = matcherOf(this.on, rule.then);
    this.#where = where;
    this.#occurrence = new Occurrence(rule.when ?? {}, host.clock, random);
  }

  /** Counts the item if the rule selects it, and returns whether to strike it. */
  offer(passing: Passing): boolean {
    return this.selects(passing) && this.draw(passing);
  }

  /** Whether the rule currently selects this item. */
  selects(passing: Passing): boolean {
    return this.#matches(passing) && this.#occurrence.inTime && this.#fits(passing);
  }

  /** Counts a selected item and returns whether to strike it. */
  draw(passing: Passing): boolean {
    this.#seen++;
    return this.#occurrence.strikes(passing.session ?? passing.remote?.key ?? '');
  }

  #fits(passing: Passing): boolean {
    if (this.#where === undefined) return true;
    try {
      return this.#where(passing);
    } catch (error) {
      if (!this.#whereTold) this.#tellLimit(`its condition in code threw, which selects nothing: ${errorText(error)}`);
      this.#whereTold = true;
      return false;
    }
  }

  /** Records a strike. */
  strike(passing: Passing): void {
    const { kind, direction, session, remote, length } = passing;
    this.#hits++;
    if (this.#strikes.length >= MAX_STRIKES) this.#strikes.splice(0, MAX_STRIKES / 2);
    this.#strikes.push({ time: this.#host.clock.now(), kind, direction, session, remote: remote?.key, length });
    this.#host.emit('fault.injected', {
      rule: this.name,
      fault: this.action.do,
      seam: passing.seam,
      session,
      remote: remote?.key,
      detail: detailOf(passing),
      hit: this.#hits,
    });
    for (const waiter of this.#waiters) if (this.#hits >= waiter.times) waiter.settle();
  }

  /** Reports a note for the author of the rule. */
  tell(explanation: string): void {
    this.#tellLimit(explanation);
  }

  /** Reports that the limit of held items is reached. */
  tellFull(more = 'others are lost.'): void {
    if (this.#limitTold) return;
    this.#limitTold = true;
    this.#tellLimit(`${this.held()} items wait because of it, the maximum: ${more} Release them, or remove the rule.`);
  }

  #tellLimit(explanation: string): void {
    this.#host.emit('fault.limit', { rule: this.name, kept: this.held(), explanation });
  }

  get status(): FaultStatus {
    const { name, rule, notes } = this;
    return { name, rule, seen: this.#seen, hits: this.#hits, held: this.held(), notes };
  }

  seen(): number {
    return this.#seen;
  }

  hits(): number {
    return this.#hits;
  }

  events(): readonly FaultStrike[] {
    return [...this.#strikes];
  }

  held(): number {
    let held = this.waiting.size;
    for (const { size } of this.stages) held += size;
    return held;
  }

  release(count = Infinity, change?: (bytes: Buffer) => Buffer | undefined): number {
    checkCount('The number of items to release', count, { least: 1, endless: true });
    let released = this.waiting.release(count, change);
    for (const stage of [...this.stages]) released += stage.letGo(count - released, change);
    return released;
  }

  async struck(times = 1, { timeout = STRUCK_TIMEOUT_MS, signal }: StruckOptions = {}): Promise<void> {
    checkCount('The number of strikes', times);
    checkTimeout(timeout);
    if (this.#hits >= times) return;
    if (this.#removed) throw this.#gone();
    await new Promise<void>((resolve, reject) => {
      const settle = (error?: unknown): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', onAbort);
        this.#waiters.delete(waiter);
        if (error === undefined) resolve();
        else reject(error);
      };
      const onAbort = (): void => settle(signal?.reason);
      const waiter = { times, settle };
      // Real time, and a timer that keeps the process alive, since a caller is waiting.
      const timer = setTimeout(() => settle(this.#inVain(times, timeout)), Math.min(timeout, 0x7fffffff));
      this.#waiters.add(waiter);
      if (signal?.aborted) onAbort();
      else signal?.addEventListener('abort', onAbort, { once: true });
    });
  }

  #inVain(times: number, timeout: number): TunneliteError {
    const { name } = this;
    const story =
      this.#seen === 0 ? 'it selected nothing' : `it selected ${this.#seen}, and struck ${this.#hits} of them`;
    return new TunneliteError(
      'ERR_TIMEOUT',
      `Waited ${timeout} ms for the fault rule ${name} to strike ${times === 1 ? 'once' : `${times} times`}: ${story}.`,
      { details: { rule: name, seen: this.#seen, hits: this.#hits } },
    );
  }

  #gone(): TunneliteError {
    return new TunneliteError('ERR_FAULT_UNKNOWN', `The fault rule ${this.name} was removed.`);
  }

  remove(): void {
    this.#end(false, () => this.waiting.release());
  }

  /** Ends the rule when the simulator is reset; items held by it are lost. */
  discard(): void {
    this.#end(true, () => this.waiting.discard());
  }

  #end(lost: boolean, free: () => void): void {
    if (this.#removed) return;
    this.#removed = true;
    this.#host.removed(this, lost);
    free();
    for (const waiter of [...this.#waiters]) waiter.settle(this.#gone());
    this.#host.emit('fault.removed', { rule: this.name, seen: this.#seen, hits: this.#hits });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.remove();
  }
}

/** The complete selector of a rule: if it names no kind, it selects the kinds that its action supports. */
export function selectorOf({ on, then }: FaultRule): FaultSelector {
  const kinds = on.kind === undefined ? unnamedKinds(then.do, on.seam) : undefined;
  return kinds === undefined ? on : { ...on, kind: [...kinds] };
}

function detailOf({ kind, direction, remote, length, address, port, name }: Passing): string {
  if (address !== undefined) {
    const end = port === undefined ? address : endpointText(address, port);
    return `${kind}, ${length} bytes ${direction === 'in' ? 'to' : 'from'} ${end}`;
  }
  if (name !== undefined) return `${kind} ${port === undefined ? name : endpointText(name, port)}`;
  const size = length === undefined ? '' : `, ${length} bytes`;
  const way = direction === undefined ? '' : direction === 'in' ? ' from' : ' to';
  return `${kind}${size}${way}${remote === undefined ? '' : ` ${remote.key}`}`;
}
