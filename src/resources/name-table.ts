import type { AddressBlock } from '../lib/address-block.ts';
import type { Clock } from '../lib/clock.ts';
import { LinkedSet } from '../lib/linked-set.ts';
import { FEW_NAMES, MAX_NAMES, MAX_NAMES_OF_SESSION, NAME_HOLD_MS, SHARE_OF_FREE } from './constants.ts';
import { type NamePattern, NamePatterns } from './name-patterns.ts';

interface NameTableOptions {
  /** Names that get addresses: those of the upstream rules. */
  readonly patterns: readonly NamePattern[];
  /** Address pools, at most one block of each family. */
  readonly blocks: readonly AddressBlock[];
  /** Names that already have addresses, in lower case: those of mock hosts. They get none here. */
  readonly taken?: ReadonlySet<string>;
  readonly clock: Clock;
}

/** A name and its addresses; `refusal` says why it has none. */
export type NameAnswer = { readonly addresses: readonly string[] } | { readonly refusal: string };

/** A name, represented by the address with its number. */
interface Entry {
  readonly name: string;
  readonly number: number;
  /** Sessions that looked it up and still hold it. */
  readonly holders: Set<Holder>;
  /** Active flows to it. */
  flows: number;
  /** The name of a rule: it always keeps its address. */
  fixed: boolean;
}

interface Holder {
  readonly session: string | undefined;
  /** When the session last looked up or used the name; oldest first. */
  readonly holds: Map<Entry, number>;
}

/**
 * The names of upstreams and their addresses in the tunnel. The name of a rule always has its address: the
 * first name the first address. A name that matches a wildcard gets an address when it is first looked up, and keeps it until
 * the space is needed: an address must not change its host while a client still caches the answer, or
 * has a flow to it.
 *
 * Wildcards match any number of names, so there is a limit for all, and one for each session: a session may hold an eighth as many names
 * as are free (the dynamic threshold of shared buffers: Choudhury and Hahne, 1998). So no session exhausts the pool, and later ones
 * find room.
 */
export class NameTable {
  readonly #options: NameTableOptions;
  #patterns: NamePatterns;
  /** Whether any name needs or needed an address: if not, the blocks' addresses are ordinary ones. */
  #inUse = false;
  readonly #byName = new Map<string, Entry>();
  readonly #byNumber = new Map<number, Entry>();
  /** Entries that neither a session nor a flow needs, longest unused first: new names reuse these. */
  readonly #spare = new LinkedSet<Entry>();
  readonly #holders = new Map<string | undefined, Holder>();
  /** Most names, including those of the rules. */
  readonly #capacity: number;

  constructor(options: NameTableOptions) {
    this.#options = options;
    const sizes = options.blocks.map((block) => block.size);
    this.#capacity = Math.min(MAX_NAMES, ...(sizes.length > 0 ? sizes : [0]));
    this.#patterns = new NamePatterns([]);
    this.usePatterns(options.patterns);
  }

  /** Applies new rules. Remaining names keep their addresses; a removed one keeps its own until the space is needed. */
  usePatterns(patterns: readonly NamePattern[]): void {
    this.#patterns = new NamePatterns(patterns);
    // Clients may have cached a removed name's address: it gets no other meaning before a reset.
    this.#inUse ||= this.#isNeeded();
    for (const entry of [...this.#byName.values()]) {
      if (!entry.fixed || this.#patterns.exact.has(entry.name)) continue;
      entry.fixed = false;
      this.#freshen(entry);
    }
    this.#fixAll();
  }

  /** Names that currently have an address. */
  get size(): number {
    return this.#byName.size;
  }

  /** Number of names held by all sessions together. */
  get holds(): number {
    let holds = 0;
    for (const holder of this.#holders.values()) holds += holder.holds.size;
    return holds;
  }

  /** Whether the name, in lower case, gets its addresses here. */
  has(name: string): boolean {
    return this.#patterns.has(name) && !this.#options.taken?.has(name);
  }

  /** The addresses of a name that `has` accepts. A look-up assigns an address to a name. */
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

  /** The current addresses of a name, without a look-up. */
  addressesAt(name: string): readonly string[] {
    const known = this.#byName.get(name);
    return known === undefined ? [] : this.#addressesOf(known.number);
  }

  /** The current name of an address. */
  nameAt(address: string): string | undefined {
    const number = this.#numberOf(address);
    if (number === undefined) return undefined;
    return this.#byNumber.get(number)?.name;
  }

  /** Whether the address is reserved for names. */
  owns(address: string): boolean {
    return this.#numberOf(address) !== undefined;
  }

  /** A flow of the session uses this address, which keeps its name until the returned function is called. */
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

  /** The session is over: others can reuse its names when needed. */
  forget(session: string | undefined): void {
    const holder = this.#holders.get(session);
    if (holder === undefined) return;
    for (const entry of holder.holds.keys()) this.#release(holder, entry);
  }

  /**
   * Forgets looked-up names, if none is in use: the rules' names get the first addresses again, and the next
   * name the one after them. False: one is in use.
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

  /** Whether a rule concerns names that get their addresses here. */
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

  /** Assigns a permanent address to a rule's name, if one is available. */
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

  /** Number of names that could be added without removing one in use. */
  get #free(): number {
    return this.#capacity - this.#byName.size + this.#spare.size;
  }

  #mayHold({ holds }: Holder): boolean {
    const share = Math.max(FEW_NAMES, this.#free * SHARE_OF_FREE);
    return holds.size < Math.min(share, MAX_NAMES_OF_SESSION);
  }

  /** Makes the session release its least recently used name; false if it may still have all of them cached. */
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

  /** Adds an unused name at the end of the spare ones. */
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
      ? `refused: all ${this.#capacity} addresses for names are in use. To have more, use a larger resources.names.network`
      : `refused: the session has looked up ${holds.size} names within ${seconds} s or uses them, which is its share of ${this.#capacity}. To have more, use a larger resources.names.network`;
  }
}
