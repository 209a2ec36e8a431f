import { TunneliteError } from '../../lib/errors.ts';
import { check, type TSchema } from '../../lib/schema/index.ts';

/** Reads and describes the items of a collection. */
export interface CollectionShape<T> {
  /** Name of one item in messages. */
  readonly noun: string;
  readonly schema: TSchema;
  /** Fills in values that the schema cannot, such as derived IDs. */
  readonly complete?: (item: T) => T;
  readonly key: (item: T) => string;
  /** A second name that identifies an item. */
  readonly alias?: (item: T) => string;
  readonly limit: number;
}

/**
 * A bounded, validated set of directory objects, found by key or alias, ignoring case. Items are
 * replaced, never changed in place, so references keep their values.
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
   * Adds an item that was validated together with its directory.
   * @throws TunneliteError `ERR_IDENTITY_DIRECTORY_INVALID` if the collection is full, `ERR_IDENTITY_EXISTS`
   */
  adopt(checked: T): T {
    const item = this.#complete(checked);
    this.#refuseTaken(item, undefined);
    if (this.#items.size >= this.#shape.limit) {
      throw new TunneliteError(
        'ERR_IDENTITY_DIRECTORY_INVALID',
        `The limit of ${this.#shape.limit} for ${this.#shape.noun} is reached.`,
      );
    }
    this.#store(item);
    return item;
  }

  /** Changes members of an item; `null` removes one. */
  update(name: string, changes: object): T {
    const old = this.get(name);
    const merged: Record<string, unknown> = { ...(old as object), ...changes };
    for (const [member, value] of Object.entries(merged)) if (value === null) delete merged[member];
    return this.#replace(old, merged);
  }

  /** Replaces an item. */
  replace(name: string, input: object): T {
    return this.#replace(this.get(name), input);
  }

  remove(name: string): T {
    const item = this.get(name);
    this.#drop(item);
    return item;
  }

  /** Saves the items; call the returned function to restore them. */
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
    // An item with an unchanged key keeps its position, so that a loop over all items can change each one.
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
    // Alias first: people write aliases, and keys may be derived.
    for (const name of [this.#shape.alias?.(item), this.#shape.key(item)]) {
      const holder = name === undefined ? undefined : this.find(name);
      if (holder && holder !== replaced) {
        throw new TunneliteError('ERR_IDENTITY_EXISTS', `There is already a ${this.#shape.noun} '${name}'.`);
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
