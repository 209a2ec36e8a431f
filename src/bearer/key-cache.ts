import type { CryptoKey } from 'jose';
import { importJWK } from 'jose/key/import';
import type { Clock } from '../lib/clock.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { Emit } from '../telemetry/events.ts';
import { FAILURE_COOL_DOWN } from './constants.ts';
import type { FetchJson } from './fetch-json.ts';
import { fetchKeySet, fetchMetadata, type IssuerMetadata, type KeyEntry } from './metadata.ts';

/** One key id, with every metadata document whose key set has it. */
export interface CachedKey {
  readonly kid: string;
  /** The only algorithm that the key set allows with this key, if it names one. */
  readonly algorithm: string | undefined;
  /** By issuer, in the order of the documents: the key-level issuer that its key set gives. */
  readonly publishedBy: readonly { readonly metadata: IssuerMetadata; readonly keyIssuer: string | undefined }[];
  /** The imported key, made once for each algorithm. Rejects when the key does not fit the algorithm. */
  import(algorithm: string): Promise<CryptoKey | Uint8Array>;
}

/** How a cache ages. All in seconds; `Infinity` where a policy has no such rule. */
export interface KeyCacheTimes {
  /** An unknown key id causes no download sooner than this after the last load. */
  readonly minimumRefresh: number;
  /** Older keys are refreshed in the background, when one is asked for. */
  readonly backgroundRefresh: number;
  /** Older keys are refreshed before one is given out. */
  readonly timeToLive: number;
  /** For this long past their time to live, keys serve on while no refresh succeeds. */
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

/** What came of a look-up of a key id that the cache does not have. */
export type UnknownKeyOutcome =
  | { readonly outcome: 'downloaded' | 'failed' }
  /** Nothing was downloaded: the last load is too recent, for this many more seconds. */
  | { readonly outcome: 'too-soon'; readonly seconds: number };

/**
 * Signing keys of the configured issuers, by key id. Downloads are shared: however many requests wait, one runs. A failed
 * one leaves the keys as they were (last known good) and holds off the next for {@link FAILURE_COOL_DOWN} seconds.
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

  /** Ids of the keys held. */
  get keyIds(): readonly string[] {
    return [...(this.#loaded?.keys.keys() ?? [])];
  }

  /** Loads for the first time or anew. @throws TunneliteError `ERR_IDENTITY_DISCOVERY` */
  async load(): Promise<void> {
    if (await this.#download()) return;
    throw new TunneliteError('ERR_IDENTITY_DISCOVERY', errorText(this.#failure), { cause: this.#failure });
  }

  /** Makes sure that usable keys are here. False: there are none, and none can be had now. */
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

  /** True when {@link ready} would only confirm what is here: the case of almost every token, without a promise. */
  get fresh(): boolean {
    return this.#age() < Math.min(this.#options.times.timeToLive, this.#options.times.backgroundRefresh);
  }

  /** Counts what is held as loaded just now, and forgets failures. */
  renew(): void {
    if (this.#loaded) this.#loaded = { ...this.#loaded, at: this.#options.clock.monotonic() };
    this.#failedAt = Number.NEGATIVE_INFINITY;
    this.#failure = undefined;
  }

  find(kid: string): CachedKey | undefined {
    return this.#loaded?.keys.get(kid);
  }

  /** Tells the cache of a key id that it does not have; downloads anew unless it is too soon. */
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

/** One map of all key sets. Of two keys with the same id in one set the first counts; unchanged keys stay imported. */
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

  /** Takes note that another key set has the same key. A different key under the same id is ignored. */
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
