import type { AddressBlock } from '../lib/address-block.ts';
import type { Clock } from '../lib/clock.ts';
import { LinkedSet } from '../lib/linked-set.ts';
import { FEW_NAMES, MAX_NAMES, MAX_NAMES_OF_SESSION, NAME_HOLD_MS, SHARE_OF_FREE } from './constants.ts';
import { type NamePattern, NamePatterns } from './name-patterns.ts';

interface NameTableOptions {
  /** Names that get addresses: those of the upstream rules. */
  readonly patterns: readonly NamePattern[];
  /** Where the addresses come from, at most one block of each family. */
  readonly blocks: readonly AddressBlock[];
  /** Names that have addresses already, in lower case: those of mock hosts. They get none here. */
  readonly taken?: ReadonlySet<string>;
  readonly clock: Clock;
}

/** A name and what it has; `refusal` says in words why it has nothing. */
export type NameAnswer = { readonly addresses: readonly string[] } | { readonly refusal: string };

/** A name that the address of its number stands for. */
interface Entry {
  readonly name: string;
  readonly number: number;
  /** Sessions that looked it up, as far as they still hold it. */
  readonly holders: Set<Holder>;
  /** Flows that go there. */
  flows: number;
  /** A rule gives the name: it keeps its address, whoever holds it. */
  fixed: boolean;
}

interface Holder {
  readonly session: string | undefined;
  /** When the session last asked for the name or used it; longest ago first. */
  readonly holds: Map<Entry, number>;
}

/**
 * The names of upstreams, and the addresses that stand for them in the tunnel. A name that a rule gives has its address always: the
 * first name the first address. One that fits a wildcard gets an address when it is looked up first, and keeps it for as long as
 * nobody needs the room: an address must not come to mean another host for a client that still believes its last answer, or
 * has a flow there.
 *
 * What wildcards may bring in is without end, so there is a bound for all, and one for each session: a session may hold an eighth as many names
 * as are free (the dynamic threshold of shared buffers: Choudhury and Hahne, 1998). So none uses up the pool, and whoever comes
 * later finds room.
 */
export class NameTable {
  readonly #options: NameTableOptions;
  #patterns: NamePatterns;
  /** Whether some name needs an address, or needed one: if not, those of the blocks are as good as any others. */
  #inUse = false;
  readonly #byName = new Map<string, Entry>();
  readonly #byNumber = new Map<number, Entry>();
  /** Entries that neither a session nor a flow needs, longest unused first: who needs room takes it from here. */
  readonly #spare = new LinkedSet<Entry>();
  readonly #holders = new Map<string | undefined, Holder>();
  /** Names that may be here, those of the rules among them. */
  readonly #capacity: number;

  constructor(options: NameTableOptions) {
    this.#options = options;
    const sizes = options.blocks.map((block) => block.size);
    this.#capacity = Math.min(MAX_NAMES, ...(sizes.length > 0 ? sizes : [0]));
    this.#patterns = new NamePatterns([]);
    this.usePatterns(options.patterns);
  }

  /** Has rules give other names than before. Those that stay keep their addresses; one that goes keeps its own until somebody needs the room. */
  usePatterns(patterns: readonly NamePattern[]): void {
    this.#patterns = new NamePatterns(patterns);
    // Clients may remember an address of a name that is gone: it does not come to mean anything else before a reset.
    this.#inUse ||= this.#isNeeded();
    for (const entry of [...this.#byName.values()]) {
      if (!entry.fixed || this.#patterns.exact.has(entry.name)) continue;
      entry.fixed = false;
      this.#freshen(entry);
    }
    this.#fixAll();
  }

  /** Names that have an address now. */
  get size(): number {
    return this.#byName.size;
  }

  /** What is remembered of sessions: how many names they hold, all together. */
  get holds(): number {
    let holds = 0;
    for (const holder of this.#holders.values()) holds += holder.holds.size;
    return holds;
  }

  /** Whether the name, in lower case, gets its addresses here. */
  has(name: string): boolean {
    return this.#patterns.has(name) && !this.#options.taken?.has(name);
  }

  /** The addresses of a name that `has` knows. A look-up is what gives a name its address. */
  lookUp(name: string, session: string | undefined): NameAnswer {
    const known = this.#byName.get(name);
    if (known?.fixed) return { addresses: this.#addressesOf(known.number) };
    const now = this.#options.clock.monotonic();
    const holder = this.#holders.get(session) ?? { session, holds: new Map() };
    if (known !== undefined) {
      if (holder.holds.has(known) || this.#mayHold(holder) || this.#letGo(holder, now)) this.#hold(holder, known, now);
      else this.#freshen(known);
      return { addresses: this.#addressesOf(known.number) };
    }
    const number = this.#mayHold(holder) || this.#letGo(holder, now) ? this.#freeNumber() : undefined;
    if (number === undefined) return { refusal: this.#refusalFor(holder) };
    this.#hold(holder, this.#add(name, number), now);
    return { addresses: this.#addressesOf(number) };
  }

  /** The addresses that a name has at present, without a look-up. */
  addressesAt(name: string): readonly string[] {
    const known = this.#byName.get(name);
    return known === undefined ? [] : this.#addressesOf(known.number);
  }

  /** The name that an address stands for now. */
  nameAt(address: string): string | undefined {
    const number = this.#numberOf(address);
    if (number === undefined) return undefined;
    return this.#byNumber.get(number)?.name;
  }

  /** Whether the address can stand for a name, and for nothing else. */
  owns(address: string): boolean {
    return this.#numberOf(address) !== undefined;
  }

  /** A flow of the session goes to this address, which keeps its name until the returned function is called. */
  keep(address: string, session: string | undefined): () => void {
    const number = this.#numberOf(address);
    const entry = number === undefined ? undefined : this.#byNumber.get(number);
    if (entry === undefined) return () => {};
    entry.flows++;
    this.#spare.delete(entry);
    let over = false;
    return () => {
      if (over) return;
      over = true;
      entry.flows--;
      const holder = this.#holders.get(session);
      if (holder?.holds.has(entry)) this.#hold(holder, entry, this.#options.clock.monotonic());
      else this.#freshen(entry);
    };
  }

  /** The session is over: what it held is there for others, once they need it. */
  forget(session: string | undefined): void {
    const holder = this.#holders.get(session);
    if (holder === undefined) return;
    for (const entry of holder.holds.keys()) this.#release(holder, entry);
  }

  /**
   * Forgets the names that look-ups brought in, if nobody needs one of them: the rules' names have the first addresses again, and the next
   * one the one behind them. False: somebody does.
   */
  reset(): boolean {
    for (const { flows, holders } of this.#byName.values()) if (flows > 0 || holders.size > 0) return false;
    for (const entry of this.#byName.values()) this.#spare.delete(entry);
    this.#byName.clear();
    this.#byNumber.clear();
    this.#inUse = this.#isNeeded();
    this.#fixAll();
    return true;
  }

  /** Whether a rule is about names that get their addresses here. */
  #isNeeded(): boolean {
    const { exact, parents } = this.#patterns;
    return parents.size > 0 || [...exact].some((name) => !this.#options.taken?.has(name));
  }

  #fixAll(): void {
    for (const name of this.#patterns.exact) if (!this.#options.taken?.has(name)) this.#fix(name);
  }

  #add(name: string, number: number): Entry {
    const entry: Entry = { name, number, holders: new Set(), flows: 0, fixed: false };
    this.#byName.set(name, entry);
    this.#byNumber.set(number, entry);
    return entry;
  }

  /** Gives a rule's name an address for good, if there is one. */
  #fix(name: string): void {
    let entry = this.#byName.get(name);
    if (entry === undefined) {
      const number = this.#freeNumber();
      if (number === undefined) return;
      entry = this.#add(name, number);
    }
    if (entry.fixed) return;
    entry.fixed = true;
    this.#spare.delete(entry);
  }

  #numberOf(address: string): number | undefined {
    if (!this.#inUse) return undefined;
    for (const block of this.#options.blocks) {
      const number = block.numberOf(address);
      if (number !== undefined) return number;
    }
    return undefined;
  }

  #addressesOf(number: number): string[] {
    return this.#options.blocks.map((block) => block.at(number));
  }

  /** Names that could come in without one going that is in use. */
  get #free(): number {
    return this.#capacity - this.#byName.size + this.#spare.size;
  }

  #mayHold({ holds }: Holder): boolean {
    const share = Math.max(FEW_NAMES, this.#free * SHARE_OF_FREE);
    return holds.size < Math.min(share, MAX_NAMES_OF_SESSION);
  }

  /** Makes the session let go of the name that it has not used for longest; false when it may still believe in all of them. */
  #letGo(holder: Holder, now: number): boolean {
    for (const [entry, usedAt] of holder.holds) {
      if (now - usedAt < NAME_HOLD_MS) return false;
      if (entry.flows === 0) {
        this.#release(holder, entry);
        return true;
      }
      this.#hold(holder, entry, now);
    }
    return false;
  }

  #hold(holder: Holder, entry: Entry, now: number): void {
    holder.holds.delete(entry);
    holder.holds.set(entry, now);
    entry.holders.add(holder);
    this.#spare.delete(entry);
    this.#holders.set(holder.session, holder);
  }

  #release(holder: Holder, entry: Entry): void {
    holder.holds.delete(entry);
    entry.holders.delete(holder);
    this.#freshen(entry);
    if (holder.holds.size === 0) this.#holders.delete(holder.session);
  }

  /** Puts a name that nobody needs behind the other spare ones. */
  #freshen(entry: Entry): void {
    if (entry.fixed || entry.holders.size > 0 || entry.flows > 0) return;
    this.#spare.add(entry);
  }

  #freeNumber(): number | undefined {
    const next = this.#byName.size + 1;
    if (next <= this.#capacity) return next;
    const entry = this.#spare.first;
    if (entry === undefined) return undefined;
    this.#spare.delete(entry);
    this.#byName.delete(entry.name);
    this.#byNumber.delete(entry.number);
    return entry.number;
  }

  #refusalFor({ holds }: Holder): string {
    const seconds = NAME_HOLD_MS / 1000;
    return this.#free <= 0
      ? `refused: all ${this.#capacity} addresses for names are in use. A larger resources.names.network has more`
      : `refused: the session has looked up ${holds.size} names within ${seconds} s or uses them, and that is its share of ${this.#capacity}. A larger resources.names.network has more`;
  }
}
