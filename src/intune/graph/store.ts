import type { GraphObject } from './types.ts';

/** Sets of objects, by the names of Graph's paths. */
export const SETS = [
  'microsoftTunnelConfigurations',
  'microsoftTunnelSites',
  'microsoftTunnelServers',
  'microsoftTunnelHealthThresholds',
  'targetedManagedAppConfigurations',
  'iosManagedAppProtections',
  'androidManagedAppProtections',
  'deviceConfigurations',
  'groups',
] as const;

export type SetName = (typeof SETS)[number];

/** Relationships of an object, by ID. */
export interface Links {
  /** Of a site: its server configuration. */
  readonly configuration?: string;
  /** Of a server: its site. */
  readonly site?: string;
  /** Of a group: users and groups. */
  readonly members?: readonly string[];
}

/** An object with its relationships. Replaced, never changed in place. */
export interface Entry {
  readonly object: GraphObject;
  readonly links: Links;
}

/** Most objects per set, and total bytes of JSON: far more than a tenant needs. */
const MAX_OBJECTS = 1000;
const MAX_BYTES = 64 * 1024 * 1024;

/** The store has no room for an object. */
export class StoreFull extends Error {}

/** Objects by set and ID, in insertion order. */
export class GraphStore {
  readonly #sets = new Map<SetName, Map<string, Entry>>(SETS.map((name) => [name, new Map()]));
  readonly #sizes = new WeakMap<Entry, number>();
  #bytes = 0;

  list(set: SetName): readonly Entry[] {
    return [...this.#sets.get(set)!.values()];
  }

  objects<T>(set: SetName): readonly T[] {
    return this.list(set).map(({ object }) => object as T);
  }

  find(set: SetName, id: string): Entry | undefined {
    return this.#sets.get(set)!.get(id.toLowerCase());
  }

  /** Stores an object, replacing one with the same ID. @throws StoreFull */
  put(set: SetName, entry: Entry): void {
    const entries = this.#sets.get(set)!;
    const key = entry.object.id.toLowerCase();
    const before = entries.get(key);
    const size = Buffer.byteLength(JSON.stringify(entry));
    const bytes = this.#bytes + size - (before ? (this.#sizes.get(before) ?? 0) : 0);
    if (!before && entries.size >= MAX_OBJECTS) throw new StoreFull(`The limit of ${MAX_OBJECTS} ${set} is reached.`);
    if (bytes > MAX_BYTES) throw new StoreFull(`All objects together would be larger than ${MAX_BYTES} bytes.`);
    this.#bytes = bytes;
    this.#sizes.set(entry, size);
    entries.set(key, entry);
  }

  remove(set: SetName, id: string): void {
    const entries = this.#sets.get(set)!;
    const entry = entries.get(id.toLowerCase());
    if (!entry) return;
    this.#bytes -= this.#sizes.get(entry) ?? 0;
    entries.delete(id.toLowerCase());
  }

  /** Saves the contents; call the returned function to restore them. */
  snapshot(): () => void {
    const kept = SETS.map((name) => [name, [...this.#sets.get(name)!]] as const);
    const bytes = this.#bytes;
    return () => {
      for (const [name, entries] of kept) {
        const set = this.#sets.get(name)!;
        set.clear();
        for (const [key, entry] of entries) set.set(key, entry);
      }
      this.#bytes = bytes;
    };
  }
}
