import type { CryptoKey } from 'jose';
import { importJWK } from 'jose/key/import';
import type { Clock } from '../lib/clock.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { Emit } from '../telemetry/events.ts';
import { FAILURE_COOL_DOWN } from './constants.ts';
import type { FetchJson } from './fetch-json.ts';
import { fetchKeySet, fetchMetadata, type IssuerMetadata, type KeyEntry } from './metadata.ts';

/** One key ID, with every metadata document whose key set contains it. */
export interface CachedKey {
  readonly kid: string;
  /** The only algorithm that the key set allows for this key, if it names one. */
  readonly algorithm: string | undefined;
  /** Key-level issuer by document issuer, in document order. */
  readonly publishedBy: readonly { readonly metadata: IssuerMetadata; readonly keyIssuer: string | undefined }[];
  /** The imported key, cached per algorithm. Rejects when the key does not fit the algorithm. */
  import(algorithm: string): Promise<CryptoKey | Uint8Array>;
}

/** Refresh rules of a cache. All in seconds; `Infinity` where a policy has no such rule. */
export interface KeyCacheTimes {
  /** Minimum age of the last load before an unknown key ID triggers a download. */
  readonly minimumRefresh: number;
  /** Keys older than this are refreshed in the background on use. */
  readonly backgroundRefresh: number;
  /** Keys older than this are refreshed before use. */
  readonly timeToLive: number;
  /** How long keys remain usable past their time to live while refreshes fail. */
  readonly lastKnownGood: number;
}

export interface KeyCacheOptions {
  readonly metadataUrls: readonly string[];
  readonly fetchJson: FetchJson;
  readonly clock: Clock;
  readonly emit: Emit;
  readonly times: KeyCacheTimes;
}

interface Loaded {
  readonly at: number;
  readonly keys: ReadonlyMap<string, CachedKey>;
  readonly issuers: readonly IssuerMetadata[];
}

/** Result of looking up a key ID that the cache does not have. */
export type UnknownKeyOutcome =
  | { readonly outcome: 'downloaded' | 'failed' }
  /** Nothing was downloaded: the last load is too recent, for this many more seconds. */
  | { readonly outcome: 'too-soon'; readonly seconds: number };

/**
 * Signing keys of the configured issuers, by key ID. All waiting requests share one download. A failed
 * one keeps the previous keys (last known good) and delays the next by {@link FAILURE_COOL_DOWN} seconds.
 */
export class KeyCache {
  readonly #options: KeyCacheOptions;
  #loaded: Loaded | undefined;
  #failedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  #running: Promise<boolean> | undefined;

  constructor(options: KeyCacheOptions) {
    this.#options = options;
  }

  /** Metadata of the issuers, once loaded. */
  get issuers(): readonly IssuerMetadata[] {
    return this.#loaded?.issuers ?? [];
  }

  /** Why the last download failed, if it did. */
  get failure(): unknown {
    return this.#failure;
  }

  /** IDs of the cached keys. */
  get keyIds(): readonly string[] {
    return [...(this.#loaded?.keys.keys() ?? [])];
  }

  /** Loads or reloads the keys. @throws TunneliteError `ERR_IDENTITY_DISCOVERY` */
  async load(): Promise<void> {
    if (await this.#download()) return;
    throw new TunneliteError('ERR_IDENTITY_DISCOVERY', errorText(this.#failure), { cause: this.#failure });
  }

  /** Loads usable keys if needed. False: none are available. */
  async ready(): Promise<boolean> {
    const { times } = this.#options;
    const age = this.#age();
    if (age >= times.timeToLive) {
      if (this.#coolingDown()) return age < times.timeToLive + times.lastKnownGood;
      return (await this.#download()) || age < times.timeToLive + times.lastKnownGood;
    }
    if (age >= times.backgroundRefresh && !this.#coolingDown()) this.#download().catch(() => undefined);
    return true;
  }

  /** True when {@link ready} would change nothing: the case of almost every token, without a promise. */
  get fresh(): boolean {
    return this.#age() < Math.min(this.#options.times.timeToLive, this.#options.times.backgroundRefresh);
  }

  /** Marks the cached keys as just loaded, and clears failures. */
  renew(): void {
    if (this.#loaded) this.#loaded = { ...this.#loaded, at: this.#options.clock.monotonic() };
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#failure = undefined;
  }

  find(kid: string): CachedKey | undefined {
    return this.#loaded?.keys.get(kid);
  }

  /** Reports a key ID that the cache does not have; downloads again unless it is too soon. */
  async unknown(): Promise<UnknownKeyOutcome> {
    const wait = this.#options.times.minimumRefresh - this.#age();
    if (wait > 0) return { outcome: 'too-soon', seconds: Math.ceil(wait) };
    if (this.#coolingDown()) return { outcome: 'failed' };
    return { outcome: (await this.#download()) ? 'downloaded' : 'failed' };
  }

  /** Seconds since the last load. */
  #age(): number {
    return this.#loaded ? (this.#options.clock.monotonic() - this.#loaded.at) / 1000 : Number.POSITIVE_INFINITY;
  }

  #coolingDown(): boolean {
    return (this.#options.clock.monotonic() - this.#failedAt) / 1000 < FAILURE_COOL_DOWN;
  }

  #download(): Promise<boolean> {
    this.#running ??= this.#attempt().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #attempt(): Promise<boolean> {
    const { metadataUrls, fetchJson, clock, emit } = this.#options;
    let url = metadataUrls[0] ?? '';
    try {
      const sets = await Promise.all(
        metadataUrls.map(async (metadataUrl) => {
          const metadata = await fetchMetadata(metadataUrl, fetchJson);
          url = metadata.keySetUrl;
          return { metadata, keys: await fetchKeySet(metadata.keySetUrl, fetchJson) };
        }),
      );
      this.#loaded = {
        at: clock.monotonic(),
        keys: merge(sets, this.#loaded?.keys),
        issuers: sets.map((set) => set.metadata),
      };
      this.#failedAt = Number.NEGATIVE_INFINITY;
      this.#failure = undefined;
      emit('identity.keys.loaded', { url, count: this.#loaded.keys.size });
      return true;
    } catch (error) {
      this.#failedAt = clock.monotonic();
      this.#failure = error;
      const details = error instanceof TunneliteError ? error.details : {};
      emit('identity.keys.failed', {
        url: String(details.url ?? url),
        reason: String(details.reason ?? 'error'),
        explanation: errorText(error),
      });
      return false;
    }
  }
}

type Sets = readonly { readonly metadata: IssuerMetadata; readonly keys: readonly KeyEntry[] }[];

/** Merges all key sets. Of two keys with the same ID in one set, the first counts; unchanged keys stay imported. */
function merge(sets: Sets, previous: ReadonlyMap<string, CachedKey> | undefined): ReadonlyMap<string, CachedKey> {
  const keys = new Map<string, ImportedKey>();
  for (const { metadata, keys: entries } of sets) {
    for (const entry of entries) {
      const known = keys.get(entry.kid);
      if (!known) keys.set(entry.kid, new ImportedKey(entry, metadata, previous?.get(entry.kid)));
      else known.add(entry, metadata);
    }
  }
  return keys;
}

class ImportedKey implements CachedKey {
  readonly kid: string;
  readonly publishedBy: { readonly metadata: IssuerMetadata; readonly keyIssuer: string | undefined }[];
  readonly #entry: KeyEntry;
  readonly #imported: Map<string, Promise<CryptoKey | Uint8Array>>;

  get algorithm(): string | undefined {
    return this.#entry.jwk.alg;
  }

  constructor(entry: KeyEntry, metadata: IssuerMetadata, previous: CachedKey | undefined) {
    this.kid = entry.kid;
    this.publishedBy = [{ metadata, keyIssuer: entry.issuer }];
    this.#entry = entry;
    this.#imported = previous instanceof ImportedKey && previous.#isSame(entry) ? previous.#imported : new Map();
  }

  /** Records that another key set contains the same key. A different key with the same ID is ignored. */
  add(entry: KeyEntry, metadata: IssuerMetadata): void {
    if (this.publishedBy.some((publication) => publication.metadata === metadata) || !this.#isSame(entry)) return;
    this.publishedBy.push({ metadata, keyIssuer: entry.issuer });
  }

  import(algorithm: string): Promise<CryptoKey | Uint8Array> {
    let key = this.#imported.get(algorithm);
    if (!key) {
      key = importJWK(this.#entry.jwk, algorithm);
      key.catch(() => undefined);
      this.#imported.set(algorithm, key);
    }
    return key;
  }

  #isSame(entry: KeyEntry): boolean {
    return JSON.stringify(entry.jwk) === JSON.stringify(this.#entry.jwk);
  }
}
