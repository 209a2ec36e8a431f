import { TunneliteError } from '../../lib/errors.ts';
import { check, type TSchema } from '../../lib/schema/index.ts';

/** How a collection reads its items. */
export interface CollectionShape<T> {
  /** What one item is called in messages. */
  readonly noun: string;
  readonly schema: TSchema;
  /** Fills in what the schema leaves open, such as derived ids. */
  readonly complete?: (item: T) => T;
  readonly key: (item: T) => string;
  /** A second name by which an item is found. */
  readonly alias?: (item: T) => string;
  readonly limit: number;
}

/**
 * A bounded, validated set of directory objects, found by key or by alias, both without regard to case. Items are
 * replaced, never changed in place, so that whoever holds one keeps what they saw.
 */
export class Collection<T extends object> implements Iterable<T> {
  readonly #shape: CollectionShape<T>;
  readonly #items = new Map<string, T>();
  readonly #aliases = new Map<string, string>();

  constructor(shape: CollectionShape<T>) {
    this.#shape = shape;
  }

  get size(): number {
    return this.#items.size;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#items.values();
  }

  find(name: string): T | undefined {
    const key = name.toLowerCase();
    return this.#items.get(key) ?? this.#items.get(this.#aliases.get(key) ?? '');
  }

  /** @throws TunneliteError `ERR_IDENTITY_NOT_FOUND` */
  get(name: string): T {
    const item = this.find(name);
    if (!item) throw new TunneliteError('ERR_IDENTITY_NOT_FOUND', `There is no ${this.#shape.noun} '${name}'.`);
    return item;
  }

  /** @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID`, `ERR_IDENTITY_EXISTS` */
  add(input: unknown): T {
    return this.adopt(this.#check(input));
  }

  /**
   * The same for an item that was checked together with the directory around it.
   * @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID` where there are too many, `ERR_IDENTITY_EXISTS`
   */
  adopt(checked: T): T {
    const item = this.#complete(checked);
    this.#refuseTaken(item, undefined);
    if (this.#items.size >= this.#shape.limit) {
      throw new TunneliteError(
        'ERR_IDENTITY_DIRECTORY_INVALID',
        `There are ${this.#shape.limit} of ${this.#shape.noun} already, more are not accepted.`,
      );
    }
    this.#store(item);
    return item;
  }

  /** Changes the given members of an item; `null` removes one. */
  update(name: string, changes: object): T {
    const old = this.get(name);
    const merged: Record<string, unknown> = { ...(old as object), ...changes };
    for (const [member, value] of Object.entries(merged)) if (value === null) delete merged[member];
    return this.#replace(old, merged);
  }

  /** Puts another item in the place of this one. */
  replace(name: string, input: object): T {
    return this.#replace(this.get(name), input);
  }

  remove(name: string): T {
    const item = this.get(name);
    this.#drop(item);
    return item;
  }

  /** Keeps what is there; the returned function puts it back. */
  snapshot(): () => void {
    const items = [...this.#items];
    const aliases = [...this.#aliases];
    return () => {
      refill(this.#items, items);
      refill(this.#aliases, aliases);
    };
  }

  #replace(old: T, input: object): T {
    const item = this.#complete(this.#check(input));
    this.#refuseTaken(item, old);
    // An item that keeps its key keeps its place, so that a loop over all may change each one.
    if (this.#shape.key(item).toLowerCase() !== this.#shape.key(old).toLowerCase()) this.#drop(old);
    else this.#dropAlias(old);
    this.#store(item);
    return item;
  }

  #check(input: unknown): T {
    return check<T>(this.#shape.schema, input, { what: this.#shape.noun, code: 'ERR_IDENTITY_DIRECTORY_INVALID' });
  }

  #complete(item: T): T {
    return this.#shape.complete?.(item) ?? item;
  }

  #refuseTaken(item: T, replaced: T | undefined): void {
    // The alias first: it is what people write, while a key may be derived.
    for (const name of [this.#shape.alias?.(item), this.#shape.key(item)]) {
      const holder = name === undefined ? undefined : this.find(name);
      if (holder && holder !== replaced) {
        throw new TunneliteError('ERR_IDENTITY_EXISTS', `There is a ${this.#shape.noun} '${name}' already.`);
      }
    }
  }

  #store(item: T): void {
    const key = this.#shape.key(item).toLowerCase();
    this.#items.set(key, item);
    const alias = this.#shape.alias?.(item);
    if (alias !== undefined) this.#aliases.set(alias.toLowerCase(), key);
  }

  #drop(item: T): void {
    this.#items.delete(this.#shape.key(item).toLowerCase());
    this.#dropAlias(item);
  }

  #dropAlias(item: T): void {
    const alias = this.#shape.alias?.(item);
    if (alias !== undefined) this.#aliases.delete(alias.toLowerCase());
  }
}

function refill<K, V>(map: Map<K, V>, entries: readonly (readonly [K, V])[]): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}
